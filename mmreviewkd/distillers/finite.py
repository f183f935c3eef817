"""Losses that are not finite: where they come from, and what to do."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

from mmreviewkd.features import Feature
from mmreviewkd.methods import Batch

ACTIONS = ('stop', 'skip', 'ignore')


class NonFiniteError(RuntimeError):
    """A loss is not finite. The step has not been taken: the weights are good."""


def is_finite_everywhere(loss: Tensor) -> bool:
    """Say whether a loss is finite in all processes of the training."""
    finite = torch.isfinite(loss.detach()).all().to(torch.int32)
    if get_world_size() > 1:
        all_reduce(finite, 'min')
    return bool(finite)


def describe(losses: Mapping[str, Tensor], batches: Sequence[Batch | None]) -> str:
    """Name the losses and the features that are not finite.

    Args:
        losses (Mapping[str, Tensor]): The losses by name.
        batches (Sequence[Batch | None]): What was compared, by distillation.
    """
    parts = [
        f'{name} is {value.item()}'
        for name, value in losses.items()
        if name != 'loss' and not torch.isfinite(value).all()
    ]
    for batch in batches:
        if batch is not None:
            parts += _not_finite('teacher', batch.teacher_levels, batch.targets)
            parts += _not_finite('student', batch.levels, batch.feats)
    return '; '.join(dict.fromkeys(parts)) or 'in another process'


def _not_finite(
    who: str, levels: Sequence[Feature], maps: Sequence[Tensor]
) -> Iterator[str]:
    for level, feat in zip(levels, maps, strict=True):
        bad = ~torch.isfinite(feat.detach())
        if bad.any():
            images = bad.flatten(1).any(1).nonzero().flatten().tolist()
            yield (
                f"the {who}'s {level}: {int(bad.sum())} of {bad.numel()} values are "
                f'not finite, in the images {images} of the batch'
            )
