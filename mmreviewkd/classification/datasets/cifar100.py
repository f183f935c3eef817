"""CIFAR-100, kept in memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import DATASETS
from torch import Tensor
from torch.utils.data import Dataset

from mmreviewkd.errors import UsageError

from .indices import chosen

DOWNLOAD = (
    'python -c "import torchvision; '
    "torchvision.datasets.CIFAR100('{root}', download=True)\""
)


@DATASETS.register_module()
class CIFAR100Images(Dataset):
    """CIFAR-100: images of 32x32 pixels in 100 classes.

    A folder with ``train.npz`` and ``test.npz`` is read (``images`` (N, 32, 32, 3)
    of uint8, RGB; ``labels`` (N,); ``classes``), else one as
    ``torchvision.datasets.CIFAR100`` writes it.

    Args:
        root (str): The folder.
        train (bool): Whether to take the 50,000 images of the training set, or the
            10,000 of the test set. Defaults to True.
        per_class (int, optional): How many images of each class to take, the first
            ones. Defaults to None: all.
        indices (int | Sequence[int], optional): Which of these to take, see
            :func:`chosen`. Defaults to None: all.

    Raises:
        UsageError: If the data are not there.
    """

    def __init__(
        self,
        root: str,
        train: bool = True,
        per_class: int | None = None,
        indices: int | Sequence[int] | None = None,
    ) -> None:
        file = Path(root) / ('train.npz' if train else 'test.npz')
        images, labels, classes = (
            _read_npz(file) if file.is_file() else _read_torchvision(root, train, file)
        )
        if per_class is not None:
            first = np.sort(
                np.concatenate(
                    [np.flatnonzero(labels == n)[:per_class] for n in set(labels)]
                )
            )
            images, labels = images[first], labels[first]
        if indices is not None:
            taken = chosen(indices, len(labels))
            images, labels = images[taken], labels[taken]
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.labels = labels.tolist()
        self.metainfo = dict(classes=classes)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Tensor | int]:
        """Return ``inputs`` (3, 32, 32) of uint8, RGB, and ``data_samples``."""
        return dict(inputs=self.images[index], data_samples=self.labels[index])


Arrays = tuple[np.ndarray, np.ndarray, tuple[str, ...]]


def _read_npz(file: Path) -> Arrays:
    with np.load(file) as content:
        classes = tuple(map(str, content['classes']))
        return content['images'], content['labels'].astype(int), classes


def _read_torchvision(root: str, train: bool, file: Path) -> Arrays:
    from torchvision.datasets import CIFAR100

    try:
        found = CIFAR100(root, train=train)
    except RuntimeError as error:
        raise UsageError(
            f'CIFAR-100 is not in {root}: neither {file.name} nor '
            f'{CIFAR100.base_folder}/ is there. Set data_root, or get the data (169 '
            f'MB) by\n  {DOWNLOAD.format(root=root)}'
        ) from error
    return found.data, np.array(found.targets), tuple(found.classes)
