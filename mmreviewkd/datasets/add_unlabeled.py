"""Unlabelled images for the training that a config describes."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmreviewkd.errors import UsageError
from mmreviewkd.type_names import type_name

from .unlabeled import list_images

MIXES = ('Mosaic', 'MixUp', 'CopyPaste')
"""Parts of the names of transforms that join annotated images."""
NEED_OBJECTS = ('FilterAnnotations', 'MinIoURandomCrop')


def add_unlabeled(
    cfg: Config,
    folder: str | Path,
    share: float = 0.5,
    pseudo_labels: str | Path | None = None,
    pipeline: Sequence[dict] | None = None,
) -> None:
    """Add a folder of images without annotations to the training of a distilled model.

    Each batch keeps its labelled images, in their order, and other images are added to
    it: an epoch has as many steps as before, and learning rate and schedule stay.

    Args:
        cfg (Config): Config of a training with ``model.type='DistilledModel'``, which
            is changed.
        folder (str | Path): The folder of images.
        share (float): Their share of a batch, between 0 and 1. Defaults to 0.5: as many
            as there are labelled images.
        pseudo_labels (str | Path, optional): Annotation file with the teacher's
            predictions for the folder, see :func:`write_pseudo_labels`. Images that it
            names are trained on like labelled ones, the others have their maps compared
            only. It may be written later, before the training. Defaults to None.
        pipeline (Sequence[dict], optional): Transforms of the unlabelled images.
            Defaults to None: those of the labelled ones, see
            :func:`unlabeled_pipeline`.

    Raises:
        UsageError: If the share is no share, the folder has no images, they have been
            added before, or the pipeline cannot be taken over.
    """
    if not 0 < share < 1:
        raise UsageError(
            f'the share of unlabelled images in a batch is {share}, but has to be '
            'between 0 and 1: 0.5 adds as many as there are labelled images'
        )
    loader = cfg.train_dataloader
    if type_name(loader.dataset) == 'WithUnlabeled':
        raise UsageError('train_dataloader.dataset has unlabelled images already')
    labeled = loader.dataset
    if pipeline is None:
        pipeline = unlabeled_pipeline(_plain(labeled, 'pipeline').pipeline)
    images: dict[str, Any] = dict(
        type='UnlabeledImages',
        folder=str(folder),
        pipeline=list(pipeline),
        exclude=[str(pseudo_labels)] if pseudo_labels else [],
    )
    list_images(folder)
    others = [images]
    if pseudo_labels:
        others.append(_pseudo_labeled(labeled, pseudo_labels, folder))
    batch_sampler: dict[str, Any] = dict(
        type='MixedBatchSampler',
        others=max(1, round(loader.batch_size * share / (1 - share))),
    )
    own = loader.get('batch_sampler')
    if own:
        batch_sampler['batch_sampler'] = own
    elif loader.pop('drop_last', False):
        batch_sampler['drop_last'] = True
    # Set one by one: ConfigDict.update would merge them into the former ones.
    loader.dataset = dict(type='WithUnlabeled', datasets=[labeled, *others])
    loader.sampler = dict(type='LabeledSampler', sampler=loader.sampler)
    loader.batch_sampler = batch_sampler


def remove_unlabeled(cfg: Config) -> None:
    """Undo :func:`add_unlabeled`; other configs stay as they are.

    Args:
        cfg (Config): Config of a training, which is changed.
    """
    loader: Any = cfg.get('train_dataloader')
    if not loader or type_name(loader.dataset) != 'WithUnlabeled':
        return
    loader.dataset = loader.dataset.datasets[0]
    loader.sampler = loader.sampler.sampler
    mixed = loader.pop('batch_sampler')
    if mixed.get('batch_sampler'):
        loader.batch_sampler = mixed.batch_sampler
    if mixed.get('drop_last'):
        loader.drop_last = True


def unlabeled_pipeline(pipeline: Sequence[dict]) -> list[dict]:
    """Fit the transforms of labelled images to images without annotations.

    Annotations are empty instead of loaded, crops may hold no object, and transforms
    that join several images or need objects are left out.

    Args:
        pipeline (Sequence[dict]): Configs of transforms, which are left as they are.
    """
    fitted = []
    for transform in copy.deepcopy(list(pipeline)):
        kind = type_name(transform)
        if kind.endswith(NEED_OBJECTS) or any(part in kind for part in MIXES):
            continue
        if kind.endswith(('LoadAnnotations', 'LoadPanopticAnnotations')):
            panoptic = kind.endswith('LoadPanopticAnnotations')
            known = dict(with_bbox=True, with_label=True)
            known |= dict(with_mask=panoptic, with_seg=panoptic)
            transform = dict(
                type='LoadEmptyAnnotations',
                **{key: transform.get(key, value) for key, value in known.items()},
            )
        elif kind.endswith('RandomCrop'):
            transform['allow_negative_crop'] = True
        fitted.append(transform)
    return fitted


def _pseudo_labeled(
    labeled: ConfigDict, ann_file: str | Path, folder: str | Path
) -> ConfigDict:
    """The labelled data set's config, with other images and annotations."""
    config = copy.deepcopy(labeled)
    part = _plain(config, 'ann_file')
    part.pop('indices', None)
    part.update(
        data_root='',
        ann_file=str(Path(ann_file).absolute()),
        data_prefix=dict(img=str(Path(folder).absolute())),
    )
    return config


def _plain(dataset: ConfigDict, field: str) -> ConfigDict:
    """The one data set within wrappers.

    Raises:
        UsageError: If there are several, or one that mixes images.
    """
    part = dataset
    while 'dataset' in part:
        if field == 'pipeline' and type_name(part) == 'MultiImageMixDataset':
            break
        part = part.dataset
    if field in part and type_name(part) != 'MultiImageMixDataset':
        return part
    raise UsageError(
        f'train_dataloader.dataset is a {type_name(part)}, of which it is not known '
        f'what {field} unlabelled images should have; write the data sets into the '
        'config, see docs/unlabeled.md, or give add_unlabeled a pipeline'
    )
