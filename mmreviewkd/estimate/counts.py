"""The work of a training step, operator by operator."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class Work:
    """What one call of an operator does.

    Args:
        flops (int): Floating-point operations of a convolution or a matrix product, a
            multiplication and an addition being two; 0 for other operators.
        nbytes (int): Bytes of its inputs and outputs.
        dtype (torch.dtype): That of its output.
    """

    flops: int
    nbytes: int
    dtype: torch.dtype


@dataclass
class Counts:
    """What a training step does.

    Attributes:
        works (list[Work]): The calls that touch memory, in their order.
        saved (int): Bytes that are kept from the forward to the backward pass,
            without parameters.
    """

    works: list[Work] = field(default_factory=list)
    saved: int = 0

    @property
    def flops(self) -> int:
        """int: All floating-point operations."""
        return sum(work.flops for work in self.works)

    @property
    def nbytes(self) -> int:
        """int: All bytes that operators read and write."""
        return sum(work.nbytes for work in self.works)


def count(run: Callable[[], Any], parameters: list[Tensor]) -> Counts:
    """Run a training step once and count what it does.

    Args:
        run (Callable): The step, forward and backward.
        parameters (list[Tensor]): What the step keeps anyway.
    """
    counts = Counts()
    kept = {one.untyped_storage().data_ptr() for one in parameters}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        # Several operators keep the same tensor.
        if storage.data_ptr() not in kept:
            kept.add(storage.data_ptr())
            counts.saved += storage.nbytes()
        return tensor

    with _Counting(counts.works), saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return counts


class _Counting(TorchDispatchMode):
    def __init__(self, works: list[Work]) -> None:
        super().__init__()
        self._works = works

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        outs = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
        if outs and not func.is_view:
            flops = flop_registry.get(func.overloadpacket)
            self._works.append(
                Work(
                    flops(*args, **(kwargs or {}), out_val=out) if flops else 0,
                    sum(one.nbytes for one in _tensors((args, kwargs)) + outs),
                    outs[0].dtype,
                )
            )
        return out


def _tensors(values: Any) -> list[Tensor]:
    return [one for one in tree_leaves(values) if isinstance(one, Tensor)]
