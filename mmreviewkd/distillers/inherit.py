"""Starting parts of the student from the teacher's weights."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmreviewkd.names import counted


@torch.no_grad()
def inherit(
    student: nn.Module, teacher_state: Mapping[str, Tensor], parts: Sequence[str]
) -> None:
    """Copy the teacher's weights into the student where name and shape agree.

    What is copied and what is not goes to the log.

    Args:
        student (nn.Module): The student.
        teacher_state (Mapping[str, Tensor]): The teacher detector's weights.
        parts (Sequence[str]): Top-level parts to start from the teacher's, such as
            ``('neck', 'rpn_head', 'roi_head')``.

    Raises:
        ValueError: If the student lacks a part, or nothing of a part can be
            copied.
    """
    known = [name for name, _ in student.named_children()]
    for part in parts:
        if part not in known:
            raise ValueError(
                f'inherit: the student has no part {part!r}; its parts: '
                f'{", ".join(known)}'
            )
        own = {
            name: value
            for name, value in student.state_dict().items()
            if name.startswith(f'{part}.')
        }
        fits = {
            name: teacher_state[name]
            for name, value in own.items()
            if name in teacher_state and teacher_state[name].shape == value.shape
        }
        others = [
            f'{name}: {tuple(value.shape)}, teacher: '
            f'{tuple(teacher_state[name].shape) if name in teacher_state else "none"}'
            for name, value in own.items()
            if name not in fits
        ]
        listing = ''.join(f'\n  {other}' for other in others)
        if not fits:
            raise ValueError(
                f'inherit: no weight of {part} has the same name and shape in student '
                f'and teacher:{listing}\nLeave {part} out of model.inherit.'
            )
        for name, value in fits.items():
            own[name].copy_(value)
        print_log(
            f'inherit: {len(fits)} of {counted(len(own), "weight")} of {part} start '
            f"from the teacher's{'; not these:' if others else ''}{listing}",
            logger='current',
        )
