"""One feature of a model, and how it becomes a map."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmreviewkd.names import counted

LAYOUTS = ('NCHW', 'NHWC', 'NLC', 'NC', '...C', '?')


@dataclass(frozen=True)
class Feature:
    """One tensor that a module of a model returns, as :func:`measure` has found it.

    Args:
        name (str): The module's name in the model, such as ``'neck'``.
        index (int): Which of the module's tensors it is.
        channels (int): Its channels.
        stride (int, optional): Pixels of the image from one position to the next.
            Defaults to None: it has no positions, or as many for any image.
        layout (str): One of :data:`LAYOUTS`: a map with the channels first or last,
            tokens, a vector, or vectors in any number of leading dimensions, such as
            the queries of all decoder layers; ``'?'`` is none of these, and is not
            compared. Defaults to ``'NCHW'``.
        prefix (int): Tokens before those of the positions. Defaults to 0.
    """

    name: str
    index: int
    channels: int
    stride: int | None = None
    layout: str = 'NCHW'
    prefix: int = 0

    def __str__(self) -> str:
        at = 'no stride' if self.stride is None else f'stride {self.stride}'
        return f'{self.name}[{self.index}] ({at}, {counted(self.channels, "channel")})'

    def as_map(self, x: Tensor, image_size: Sequence[int]) -> Tensor:
        """Lay the feature out as a map.

        Args:
            x (Tensor): The feature, as the module has returned it.
            image_size (Sequence[int]): Height and width of the images.

        Returns:
            Tensor: (N, C, H, W). A vector becomes a map of one position; vectors in
            leading dimensions become one of as many rows as the last of them is long.

        Raises:
            ValueError: If tokens are no map of the image.
        """
        if self.layout == 'NHWC':
            return x.movedim(-1, 1)
        if self.layout == 'NC':
            return x[:, :, None, None]
        if self.layout == 'NLC':
            x = x[:, self.prefix :].transpose(1, 2)
            return x.unflatten(2, self._grid(x.shape[2], image_size))
        if self.layout == '...C':
            return x.flatten(0, -3).transpose(1, 2)[..., None]
        return x

    def _grid(self, count: int, image_size: Sequence[int]) -> list[int]:
        """Height and width of a map of so many tokens."""
        assert self.stride is not None
        # A border narrower than a patch may be cut off, or be padded.
        for rounded in (math.floor, math.ceil):
            grid = [rounded(size / self.stride) for size in image_size]
            if math.prod(grid) == count:
                return grid
        raise ValueError(
            f'{self} has {counted(count, "token")} for an image of '
            f'{tuple(image_size)}, which are no map of this stride; give images a size '
            'that the stride divides by data_preprocessor.pad_size_divisor'
        )


def tensors_in(output: Any) -> Iterator[Tensor]:
    """Yield the tensors of a module's output, in their order."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from tensors_in(value)
    elif isinstance(output, list | tuple):
        for value in output:
            yield from tensors_in(value)
