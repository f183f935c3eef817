"""Starting parts of the student from the teacher's weights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmreviewkd.names import counted

AUTO = 'auto'
"""Value of ``model.inherit``: all parts that fit."""
BACKBONE = 'backbone'


class Start(NamedTuple):
    """What of the student starts from the first teacher's weights.

    Args:
        parts (tuple[str, ...]): Top-level parts, such as ``('backbone', 'neck')``.
            Defaults to none.
        only_fitting (bool): Whether parts that do not fit are left out; an error
            otherwise. Defaults to False.
    """

    parts: tuple[str, ...] = ()
    only_fitting: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """tuple[str, ...]: The parts that have to fit."""
        return () if self.only_fitting else self.parts


class Source(NamedTuple):
    """What the teacher has for a part of the student.

    Args:
        weights (dict[str, Tensor]): Weights of the student's shapes, by name.
        selected (list[str]): Names of those that are channels selected from more.
        lacking (list[str]): The part's other weights, with both shapes.
    """

    weights: dict[str, Tensor]
    selected: list[str]
    lacking: list[str]


@torch.no_grad()
def inherit(
    student: nn.Module,
    teacher_state: Mapping[str, Tensor],
    parts: Sequence[str],
    only_fitting: bool = False,
) -> None:
    """Copy the teacher's weights into the student.

    A weight is copied where name and shape agree. With the backbone among the parts,
    a narrower student also takes weights of backbone and neck from a wider teacher:
    :func:`select_channels` of them. Other parts are never cut, as a head's channels may
    stand for classes. What is copied and what is not goes to the log.

    Args:
        student (nn.Module): The student.
        teacher_state (Mapping[str, Tensor]): The teacher detector's weights.
        parts (Sequence[str]): Top-level parts to start from the teacher's, such as
            ``('backbone', 'neck', 'rpn_head', 'roi_head')``.
        only_fitting (bool): Whether to leave out parts of which less than half fits,
            and the backbone unless all of it does. Defaults to False.

    Raises:
        ValueError: If the student lacks a part; or nothing of a part can be copied,
            unless ``only_fitting``.
    """
    known = [name for name, _ in student.named_children()]
    for part in parts:
        if part not in known:
            raise ValueError(
                f'inherit: the student has no part {part!r}; its parts: '
                f'{", ".join(known)}'
            )
    own = student.state_dict()
    left_out: list[str] = []
    if only_fitting and BACKBONE in parts:
        # One that is inherited in pieces is another network.
        if _source(own, teacher_state, BACKBONE, select=True).lacking:
            parts = [part for part in parts if part != BACKBONE]
            left_out.append(BACKBONE)
    for part in parts:
        # The neck's channels follow the backbone's.
        select = BACKBONE in parts and part in (BACKBONE, 'neck')
        source = _source(own, teacher_state, part, select)
        if only_fitting and len(source.weights) < max(1, len(source.lacking)):
            left_out.append(part)
            continue
        if not source.weights:
            raise ValueError(
                f'inherit: no weight of {part} has the same name and shape in student '
                f'and teacher:{_lines(source.lacking)}\nLeave {part} out of '
                'model.inherit.'
            )
        for name, value in source.weights.items():
            own[name].copy_(value)
        print_log(_report(part, source), logger='current')
    if left_out:
        print_log(
            f'inherit: {", ".join(left_out)} of the teacher do not fit, and keep the '
            "student's own start",
            logger='current',
        )


def select_channels(weight: Tensor, shape: Sequence[int]) -> Tensor | None:
    """Select channels of a wider layer, evenly spaced.

    Channel i of n is number ``i * N // n`` of the N there are, in the output (first
    dimension) and the input (second) of a layer. As all layers are cut alike, the
    channels kept belong together, across residual connections too. See "Initializing
    Models with Larger Ones", uniform selection, ICLR 2024
    (https://arxiv.org/abs/2311.18823).

    Args:
        weight (Tensor): The weight of the wider layer.
        shape (Sequence[int]): The shape of the narrower one.

    Returns:
        Tensor, optional: A weight of this shape; None where there is none: channels
        can be left out only, and kernels keep their size.

    >>> select_channels(torch.arange(6), [3])
    tensor([0, 2, 4])
    """
    wide = weight.shape
    if len(wide) != len(shape) or wide[2:] != tuple(shape[2:]):
        return None
    if any(n > wide[dim] for dim, n in enumerate(shape)):
        return None
    for dim, n in enumerate(shape[:2]):
        numbers = torch.arange(n, device=weight.device) * wide[dim] // n
        weight = weight.index_select(dim, numbers)
    return weight


def _source(
    own: Mapping[str, Tensor],
    teacher_state: Mapping[str, Tensor],
    part: str,
    select: bool,
) -> Source:
    source = Source({}, [], [])
    for name, value in own.items():
        if not name.startswith(f'{part}.'):
            continue
        given = teacher_state.get(name)
        if given is not None and given.shape == value.shape:
            source.weights[name] = given
            continue
        cut = None
        if select and given is not None:
            cut = select_channels(given, value.shape)
        if cut is not None:
            source.weights[name] = cut
            source.selected.append(name)
        else:
            theirs = 'none' if given is None else tuple(given.shape)
            source.lacking.append(f'{name}: {tuple(value.shape)}, teacher: {theirs}')
    return source


def _report(part: str, source: Source) -> str:
    total = len(source.weights) + len(source.lacking)
    cut = f', {len(source.selected)} by selected channels' if source.selected else ''
    rest = f'; not these:{_lines(source.lacking)}' if source.lacking else ''
    return (
        f'inherit: {len(source.weights)} of {counted(total, "weight")} of {part} start '
        f"from the teacher's{cut}{rest}"
    )


def _lines(items: Sequence[str]) -> str:
    return ''.join(f'\n  {item}' for item in items)
