"""Losses that are not finite: where they come from, and what to do."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

ACTIONS = ('stop', 'skip', 'ignore')


class NonFiniteError(RuntimeError):
    """A loss is not finite. The step has not been taken: the weights are good."""


def is_finite_everywhere(loss: Tensor) -> bool:
    """Say whether a loss is finite in all processes of the training."""
    finite = torch.isfinite(loss.detach()).all().to(torch.int32)
    if get_world_size() > 1:
        all_reduce(finite, 'min')
    return bool(finite)


def describe(
    losses: Mapping[str, Tensor], seen: Sequence[tuple[str, object, Tensor]]
) -> str:
    """Name the losses and the features that are not finite.

    Args:
        losses (Mapping[str, Tensor]): The losses by name.
        seen (Sequence[tuple[str, object, Tensor]]): The features that are compared:
            whose it is, its name, and its map.
    """
    parts = [
        f'{name} is {value.item()}'
        for name, value in losses.items()
        if name != 'loss' and not torch.isfinite(value).all()
    ]
    for who, name, feat in seen:
        bad = ~torch.isfinite(feat.detach())
        if bad.any():
            images = bad.flatten(1).any(1).nonzero().flatten().tolist()
            parts.append(
                f"the {who}'s {name}: {int(bad.sum())} of {bad.numel()} values are not "
                f'finite, in the images {images} of the batch'
            )
    return '; '.join(parts) or 'in another process'
