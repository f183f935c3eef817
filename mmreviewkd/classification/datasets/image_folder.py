"""Folders of images, one for each class."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.registry import DATASETS
from torch import Tensor
from torch.utils.data import Dataset

from mmreviewkd.errors import UsageError

from .indices import chosen


@DATASETS.register_module()
class ImageFolder(Dataset):
    """A folder with a folder of images for each class, such as ImageNet's.

    In training a random part of an image, of 8% to 100% of its area, is resized and
    flipped by chance; in testing the middle is taken, as torchvision's ResNets are
    tested.

    Args:
        root (str): The folder, such as ``'data/imagenet/train'``.
        train (bool): Whether images are augmented. Defaults to True.
        size (int): Height and width of what is returned. Defaults to 224.
        indices (int | Sequence[int], optional): Which images to take, see
            :func:`chosen`. Defaults to None: all.

    Raises:
        UsageError: If the folder is not there.
    """

    def __init__(
        self,
        root: str,
        train: bool = True,
        size: int = 224,
        indices: int | Sequence[int] | None = None,
    ) -> None:
        from torchvision import datasets
        from torchvision.transforms import v2

        if not Path(root).is_dir():
            raise UsageError(
                f'{root} is missing: it has to hold a folder of images for each '
                'class. For ImageNet get ILSVRC2012_img_train.tar and '
                'ILSVRC2012_img_val.tar from https://image-net.org, unpack them by '
                'class (torchvision.datasets.ImageNet does so), and set data_root'
            )
        crop = (
            [v2.RandomResizedCrop(size), v2.RandomHorizontalFlip()]
            if train
            else [v2.Resize(round(size * 256 / 224)), v2.CenterCrop(size)]
        )
        # Values stay from 0 to 255: the model's data preprocessor normalises them.
        transform = v2.Compose([*crop, v2.PILToTensor()])
        self.folder = datasets.ImageFolder(root, transform)
        self.indices = chosen(indices, len(self.folder))
        self.metainfo = dict(classes=tuple(self.folder.classes))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Tensor | int]:
        """Return ``inputs`` (3, size, size) of uint8, RGB, and ``data_samples``."""
        image, label = self.folder[self.indices[index]]
        return dict(inputs=image, data_samples=label)
