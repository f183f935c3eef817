"""A network as maps at its stages."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Stages(nn.Module):
    """Runs the parts of a network in turn, and returns what its stages give.

    The last feature is the vector that the classifier sees: the last part's map,
    averaged over its positions.

    Args:
        parts (Mapping[str, nn.Module]): The parts in their order, up to the pooling.
        stages (Sequence[str]): Names of those whose maps are returned.
        pre_activation (bool): Whether these are the maps before a stage's last ReLU.
            Defaults to False.
    """

    def __init__(
        self,
        parts: Mapping[str, nn.Module],
        stages: Sequence[str],
        pre_activation: bool = False,
    ) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.stages = tuple(stages)
        self.kept = {
            name: keep_last_relu(parts[name]) if pre_activation else None
            for name in stages
        }

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps (N, C_i, H_i, W_i), finest first, and the vector (N, C)."""
        x, maps = images, []
        for name, part in self.named_children():
            x = part(x)
            if name in self.stages:
                relu = self.kept[name]
                maps.append(x if relu is None else relu.take())
        return (*maps, x.mean((2, 3)))


class KeptReLU(nn.ReLU):
    """A ReLU that keeps what it was given last, until that is taken."""

    kept: Tensor | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Apply ReLU, never in place."""
        self.kept = input
        return F.relu(input)

    def take(self) -> Tensor:
        """Give what is kept, once."""
        kept, self.kept = self.kept, None
        if kept is None:
            raise RuntimeError('a stage has ended without a call of its last ReLU')
        return kept


def keep_last_relu(stage: nn.Module) -> KeptReLU:
    """Put a :class:`KeptReLU` in the place of a stage's last ReLU.

    In the residual blocks of torchvision one ReLU stands for all; the last call counts.

    Raises:
        ValueError: If it has none.
    """
    names = [name for name, one in stage.named_modules() if isinstance(one, nn.ReLU)]
    if not names:
        raise ValueError(
            f'pre_activation: a stage ({type(stage).__name__}) has no ReLU; leave '
            'pre_activation out'
        )
    parent, _, name = names[-1].rpartition('.')
    kept = KeptReLU()
    setattr(stage.get_submodule(parent), name, kept)
    return kept
