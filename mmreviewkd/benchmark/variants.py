"""Changes of a distilled model that may make its step cheaper, to be measured.

None of them is a default. What needs a GPU has not been tried on one yet.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmreviewkd.errors import UsageError
from mmreviewkd.teachers.precision import native_half

Change = Callable[[Any, torch.dtype | None], None]


def change(model: Any, names: str, amp: torch.dtype | None = None) -> None:
    """Make some of :data:`VARIANTS` of a distilled model, in place.

    Args:
        model (nn.Module): A model with one teacher, on its device.
        names (str): Their names, joined by ``+``.
        amp (torch.dtype, optional): Its mixed precision. Defaults to None.

    Raises:
        UsageError: If there is no such variant, or it needs a GPU.
    """
    for name in names.split('+'):
        if name not in VARIANTS:
            raise UsageError(
                f'--variants {names}: write some of {", ".join(VARIANTS)}, or several '
                'joined by +'
            )
        if name in NEEDS_GPU and next(model.parameters()).device.type != 'cuda':
            raise UsageError(f'--variants {names}: {name} needs a GPU')
        VARIANTS[name](model, amp)


def compile_student(model: Any) -> None:
    """Compile backbone and neck of a model, in place."""
    for name in ('backbone', 'neck'):
        part = getattr(model, name, None)
        if part is not None:
            part.compile(dynamic=False)


def _compile_teacher(model: Any, amp: torch.dtype | None) -> None:
    compile_student(model.teacher.model)


def _compile_review(model: Any, amp: torch.dtype | None) -> None:
    """Few kernels, which read half precision and sum up in float32."""
    (distillation,) = model.distillation
    distillation.connector.compile(dynamic=False)
    loss = distillation.loss
    loss.by_level = torch.compile(loss.by_level, dynamic=False)


def _halve_teacher(model: Any, amp: torch.dtype | None) -> None:
    """Keep the teacher's weights in half precision, so that no step converts them."""
    teacher = model.teacher
    half = teacher.dtype or amp or native_half(next(model.parameters()).device)
    if half not in (None, torch.float32):
        teacher._chosen = half
        teacher.model.to(half)


def _graph_teacher(model: Any, amp: torch.dtype | None) -> None:
    model.teacher._run = _Graphs(model.teacher._run)


class _Graphs:
    """A CUDA graph of the teacher's run, for each shape and precision."""

    def __init__(self, run: Callable) -> None:
        self._run = run
        self._graphs: dict[tuple, tuple] = {}

    def __call__(
        self, images: Tensor, data_samples: Sequence[Any] | None
    ) -> tuple[Tensor, ...]:
        half = torch.is_autocast_enabled('cuda') and torch.get_autocast_dtype('cuda')
        key = (images.shape, half)
        if key not in self._graphs:
            self._graphs[key] = self._capture(images.clone(), data_samples)
        graph, given, maps = self._graphs[key]
        given.copy_(images)
        graph.replay()
        return maps

    def _capture(self, given: Tensor, data_samples: Sequence[Any] | None) -> tuple:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            # Libraries choose their algorithms before.
            for _ in range(3):
                self._run(given, data_samples)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            maps = self._run(given, data_samples)
        return graph, given, maps


def _side_stream(model: Any, amp: torch.dtype | None) -> None:
    """Run the teacher beside the student's forward pass."""
    (lesson,) = model.lessons
    teach, pick = lesson.teacher.forward, lesson.pairs.pick
    side = torch.cuda.Stream()

    def forward(images: Tensor, *others: Any) -> tuple[Tensor, ...]:
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            maps = teach(images, *others)
        images.record_stream(side)
        return maps

    def wait_and_pick(student: Any, teacher: Sequence[Tensor], size: Any) -> Any:
        now = torch.cuda.current_stream()
        now.wait_stream(side)
        for one in teacher:
            one.record_stream(now)
        return pick(student, teacher, size)

    lesson.teacher.forward = forward
    lesson.pairs.pick = wait_and_pick


def _no_wait(model: Any, amp: torch.dtype | None) -> None:
    model._non_finite = 'ignore'


VARIANTS: dict[str, Change] = {
    'teacher-compiled': _compile_teacher,
    'teacher-half': _halve_teacher,
    'teacher-graph': _graph_teacher,
    'teacher-stream': _side_stream,
    'review-compiled': _compile_review,
    'no-wait': _no_wait,
}
"""The changes by name."""

NEEDS_GPU = ('teacher-graph', 'teacher-stream')
"""Those that are not tried yet, since they need a GPU."""
