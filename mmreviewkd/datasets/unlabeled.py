"""Images without annotations, and their place beside a labelled data set."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.registry import DATASETS

from mmreviewkd.errors import UsageError
from mmreviewkd.image_files import IMAGE_SUFFIXES, images_in


@DATASETS.register_module()
class UnlabeledImages(BaseDataset):
    """All images of a folder, without annotations.

    The metainfo of their data samples has ``unlabeled=True``. A distilled model
    compares their maps with the teacher's and leaves them out of its own losses.

    Args:
        folder (str): The folder; images of folders in it count too.
        pipeline (Sequence[dict]): Transforms, the last of which packs a data sample.
            See :func:`unlabeled_pipeline`.
        exclude (Sequence[str]): Annotation files in COCO format. Images that one of
            them names, relative to the folder, are left out. Defaults to ().
        **kwargs: Others of :class:`mmengine.dataset.BaseDataset`, such as ``indices``.

    Raises:
        UsageError: If the folder has no images.
    """

    def __init__(
        self,
        folder: str,
        pipeline: Sequence[dict] = (),
        exclude: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.folder = folder
        self.exclude = tuple(exclude)
        super().__init__(pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images by path."""
        names = list_images(self.folder, self.exclude)
        if not names:
            # All have pseudo labels, and MMEngine cannot serialize an empty list.
            self.serialize_data = False
        return [
            dict(img_path=str(Path(self.folder, name)), img_id=number, instances=[])
            for number, name in enumerate(names)
        ]

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline, and mark the data sample."""
        data = super().prepare_data(idx)
        if data is not None:
            data['data_samples'].set_metainfo(dict(unlabeled=True))
        return data


@DATASETS.register_module()
class WithUnlabeled(ConcatDataset):
    """A labelled data set, followed by others that add images to its batches.

    Unlike MMEngine's :class:`ConcatDataset` it takes a labelled data set in any wrapper
    and does not compare the metainfo, which unlabelled images have none of: it has that
    of the labelled one.

    Args:
        datasets (Sequence[dict | Dataset]): First the labelled data set; then such as
            :class:`UnlabeledImages`, or one whose annotations are pseudo labels.
        lazy_init (bool): Whether to load annotations later. Defaults to False.
    """

    def __init__(self, datasets: Sequence[dict | Any], lazy_init: bool = False) -> None:
        # Not super().__init__, whose comparison it is that has to be left out.
        self.datasets = [
            DATASETS.build(one) if isinstance(one, dict) else one for one in datasets
        ]
        self._metainfo = self.datasets[0].metainfo
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    @property
    def pipeline(self) -> Any:
        """Compose: Transforms of the labelled images.

        Hooks such as MMDetection's ``PipelineSwitchHook`` set them during training, for
        images with pseudo labels too.
        """
        return self.datasets[0].pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Any) -> None:
        for dataset in self.datasets:
            if not isinstance(dataset, UnlabeledImages):
                dataset.pipeline = pipeline


def list_images(folder: str | Path, exclude: Sequence[str] = ()) -> list[str]:
    """List the images in a folder and the folders in it.

    Args:
        folder (str | Path): The folder.
        exclude (Sequence[str]): Annotation files whose images are left out.
            Defaults to ().

    Returns:
        list[str]: Their paths relative to it, sorted.

    Raises:
        UsageError: If it is no folder, or has no images.
    """
    root = Path(folder)
    if not root.is_dir():
        fault = 'a file, no folder' if root.exists() else 'not there'
        raise UsageError(f'the folder of unlabelled images {root} is {fault}')
    found = sorted(path.relative_to(root).as_posix() for path in images_in(root))
    if not found:
        raise UsageError(
            f'{root} has no images; files are taken whose names end with '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    named = {name for path in exclude for name in _named(path)}
    return [name for name in found if name not in named]


def _named(path: str) -> list[str]:
    coco = json.loads(Path(path).read_text(encoding='utf-8'))
    return [image['file_name'] for image in coco['images']]
