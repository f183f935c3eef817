"""The features of student and teacher that are compared, as maps of the same size."""

from collections.abc import Sequence
from functools import cached_property

import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from .feature import Feature


class FeaturePairs:
    """Pairs of a student's and a teacher's feature, the student's finest first.

    Maps that differ by one position, since one model rounds odd sizes up and the
    other down, are cropped or extended at the border. Other sizes are resized only
    where ``resize`` says how: ``'nearest'`` takes the nearest positions, ``'pool'``
    averages where a map shrinks (and takes the nearest positions where it grows);
    ``'review'`` leaves the teacher's maps as they are, and the connector gives its maps
    their size, as the paper does for classifiers.

    Args:
        student (Sequence[Feature]): All features of the student's modules.
        teacher (Sequence[Feature]): All features of the teacher's.
        numbers (Sequence[tuple[int, int]]): The pairs, see :func:`match_levels`.
        resize (str, optional): How sizes are made equal. Defaults to None: they have
            to be.
    """

    def __init__(
        self,
        student: Sequence[Feature],
        teacher: Sequence[Feature],
        numbers: Sequence[tuple[int, int]],
        resize: str | None = None,
    ) -> None:
        self.student = list(student)
        self.teacher = list(teacher)
        self.numbers = list(numbers)
        self.resize = resize
        self._said: set[int] = set()

    @cached_property
    def own(self) -> list[Feature]:
        """list[Feature]: Those of the student that are compared."""
        return [self.student[number] for number, _ in self.numbers]

    @cached_property
    def others(self) -> list[Feature]:
        """list[Feature]: Those of the teacher that they are compared with."""
        return [self.teacher[number] for _, number in self.numbers]

    def pick(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor],
        image_size: Sequence[int],
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Take out what is compared.

        Args:
            student (Sequence[Tensor]): All features of the student's modules.
            teacher (Sequence[Tensor]): All features of the teacher's.
            image_size (Sequence[int]): Height and width of the images.

        Returns:
            tuple: The student's maps (N, C_i, H_i, W_i) and the teacher's, of the same
            batch, and of the same sizes unless ``resize`` is ``'review'``.

        Raises:
            ValueError: If two maps have sizes that are too different.
        """
        feats, targets = (
            tuple(
                features[pair[side]].as_map(tensors[pair[side]], image_size)
                for pair in self.numbers
            )
            for side, (features, tensors) in enumerate(
                [(self.student, student), (self.teacher, teacher)]
            )
        )
        return feats, tuple(
            self._fit(number, feat, target)
            for number, (feat, target) in enumerate(zip(feats, targets, strict=True))
        )

    def _fit(self, number: int, feat: Tensor, target: Tensor) -> Tensor:
        """Give a teacher's map the student's batch and size."""
        if len(feat) != len(target) and len(feat) % len(target) == 0:
            # TridentNet trains on each image once for each of its branches.
            target = target.repeat(len(feat) // len(target), 1, 1, 1)
        size, found = feat.shape[2:], target.shape[2:]
        if size == found or self.resize == 'review':
            return target
        names = f'{self.own[number]} and {self.others[number]}'
        sizes = f'{tuple(size)} and {tuple(found)}'
        if max(abs(a - b) for a, b in zip(size, found, strict=True)) == 1:
            how, fitted = 'cropped or extended by one', _fit_border(target, size)
        elif self.resize == 'pool':
            how, fitted = 'pooled', _pool(target, size)
        elif self.resize:
            how, fitted = 'resized', F.interpolate(target, size=size, mode='nearest')
        else:
            raise ValueError(
                f'the maps of {names} have the sizes {sizes}; leave the pair out of '
                "model.levels, or set model.resize='nearest' (or 'pool', or 'review')"
            )
        if number not in self._said:
            self._said.add(number)
            print_log(
                f"levels: the teacher's maps are {how}: {names}, here {sizes}",
                logger='current',
            )
        return fitted


def _fit_border(x: Tensor, size: Sequence[int]) -> Tensor:
    height, width = size
    x = x[..., :height, :width]
    more = (0, width - x.shape[-1], 0, height - x.shape[-2])
    return F.pad(x, more, mode='replicate') if any(more) else x


def _pool(x: Tensor, size: Sequence[int]) -> Tensor:
    """Average to a smaller size; take the nearest positions for a larger one."""
    height, width = size
    smaller = (min(x.shape[2], height), min(x.shape[3], width))
    x = F.adaptive_avg_pool2d(x, smaller)
    return F.interpolate(x, size=(height, width), mode='nearest')
