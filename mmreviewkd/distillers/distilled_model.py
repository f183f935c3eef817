"""A model that learns from teachers while it trains."""

import copy
import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmreviewkd.features import FeatureRecorder
from mmreviewkd.methods import Batch, Distillation
from mmreviewkd.teachers import Teacher

from .finite import NonFiniteError, describe, is_finite_everywhere
from .inherit import Start, inherit
from .lesson import Lesson, joined
from .unlabeled import Images, check_recorded, extract_features, split

DISTILLATION = 'distillation.'
"""Prefix of the weights that a checkpoint holds beside the student's."""
REGISTERED = 'registered_teachers'
"""Attribute of the teachers that are modules of the model."""


def students_own(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a distilled model has beside the student, by name."""
    others = (DISTILLATION, f'{REGISTERED}.')
    return {n: value for n, value in weights.items() if not n.startswith(others)}


# The student's class comes behind the mixin, see distilled_class.
_Student: Any = BaseModel if TYPE_CHECKING else object


class DistillationMixin(_Student):
    """Adds teachers to a model's class.

    The result *is* the student: prediction, weight names and attributes are inherited
    from its class and stay as they are. Only the forward pass of training does more:
    each teacher computes its features, the student computes its own losses, its
    features are recorded on the way, and the distillations compare the two.

    Images whose metainfo says ``unlabeled`` have no part in the student's own losses.
    They go through its feature extraction alone, and the distillations that need maps
    only compare them too.

    Attributes:
        lessons (Sequence[Lesson]): The teachers, and what is learned from each.
        distillation (nn.ModuleList, optional): The ways of learning, those of all
            lessons; None in a model that can only be tested.
        distill_strength (float): Factor on their losses. Where it or the weights of
            all of them are 0, no teacher is run, and the student trains exactly as
            without one. 1 unless :class:`DistillScheduleHook` changes it.
        start (Start): What starts from the first teacher's weights.
        skipped_steps (int): Training steps with losses that were not finite.
    """

    lessons: Sequence[Lesson] = ()
    distill_strength = 1.0
    start = Start()
    skipped_steps = 0
    _frozen: Sequence[str] = ()
    _non_finite = 'ignore'
    _arguments: Sequence[str] = ()
    _unlabeled_recorder: FeatureRecorder | None = None
    _said_unused = False

    def learn(
        self,
        lessons: Sequence[Lesson],
        distillation: nn.ModuleList | None,
        start: Start,
        frozen: Sequence[str],
        non_finite: str,
        register_teachers: bool,
    ) -> None:
        """Take in what the student learns; called once, by :func:`DistilledModel`."""
        self.distillation = distillation
        self.start = start
        self._frozen = tuple(frozen)
        self._non_finite = non_finite
        for part in frozen:
            _freeze(self, part)
        # Past nn.Module's registration: a teacher is no part of the model's weights,
        # optimizer or gradient buckets.
        object.__setattr__(self, 'lessons', tuple(lessons))
        if register_teachers:
            self.add_module(REGISTERED, nn.ModuleList(self._teachers()))
        names = [one.name for lesson in lessons for one in lesson.student_features]
        for lesson in lessons:
            for one in lesson.distillations:
                names += one.student_modules(self)
        self._recorder = FeatureRecorder(self, names, 'student')

    @property
    def teacher(self) -> Any:
        """Teacher: The first teacher; or the student's own part of this name."""
        # SoftTeacher has one, and reads it while it is built.
        return self._modules.get('teacher') or self.lessons[0].teacher

    @property
    def is_distilling(self) -> bool:
        """bool: Whether a teacher has a part in the losses."""
        return any(map(self._weight, self.distillation or ()))

    def init_weights(self) -> None:
        """Initialise the student, and load the teachers.

        MMEngine's runner calls this before training only: the teachers' weights are
        read, and checked, before the first step, and never for testing.
        """
        for teacher in self._teachers():
            teacher.load(self.data_preprocessor)
            teacher.to(next(self.parameters()))
        with self._student_only():
            super().init_weights()
        first = self.lessons[0].teacher if self.lessons else None
        # With 'auto', a teacher that brings its weights itself has none that fit.
        if first and (self.start.required or first.has_checkpoint and self.start.parts):
            inherit(self, first.read_weights().state, *self.start)

    @contextmanager
    def _student_only(self) -> Iterator[None]:
        """Hide what is no part of the student from what it applies to its modules."""
        others = {
            name: self._modules[name]
            for name in (DISTILLATION.removesuffix('.'), REGISTERED)
            if name in self._modules
        }
        # The names keep their place, and with it the weights their order.
        self._modules.update(dict.fromkeys(others))
        try:
            yield
        finally:
            self._modules.update(others)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the student; in the mode ``'loss'``, learn from the teachers too.

        Returns:
            Any: What the student returns. In the mode ``'loss'`` a dict of its losses
            under their own names, and of the distillations': ``loss_distill`` (with
            several ``loss_distill_0``, ``loss_distill_1``, ...), and what is logged
            only, such as ``distill_level_0``, the part of the finest level.

        Raises:
            NonFiniteError: If a loss is not finite, and training is to stop then.
        """
        given = dict(zip(self._arguments, args, strict=False)) | kwargs
        if given.get('mode') != 'loss':
            return super().forward(*args, **kwargs)
        parts = split(*(given.get(name) for name in self._arguments[:2]))
        unlabeled = None
        if parts is not None:
            labeled, unlabeled = parts
            given |= dict(zip(self._arguments, labeled, strict=False))
        if self._non_finite == 'ignore':
            losses, _ = self._losses(super().forward, given, unlabeled)
            return losses
        buffers = list(_buffers(self))
        before = [buffer.clone() for buffer in buffers]
        losses, batches = self._losses(super().forward, given, unlabeled)
        total, log = self.parse_losses(losses)
        if is_finite_everywhere(total):
            return losses
        # Batch normalisation has taken in the bad activations by now.
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        return self._not_finite(describe(log, batches), total)

    def _losses(
        self, forward: Any, given: dict, unlabeled: Images | None
    ) -> tuple[dict, list[Batch | None]]:
        """Compute all losses; also return what was compared, by distillation."""
        distillations: Sequence[Any] = list(self.distillation or ())
        batches: list[Batch | None] = [None] * len(distillations)
        if self.is_distilling:
            losses, batches = self._compare(forward, given)
            if unlabeled is not None:
                batches = self._with_unlabeled(batches, unlabeled)
        else:
            losses = forward(**given)
        numbers = [f'_{n}' if len(batches) > 1 else '' for n in range(len(batches))]
        for number, distillation, batch in zip(
            numbers, distillations, batches, strict=True
        ):
            weight = self._weight(distillation)
            if not weight or batch is None:
                # Gradients of 0: data-parallel training waits for them.
                like = next(self.parameters())
                losses[f'loss_distill{number}'] = _zero(distillation, like)
                continue
            for name, value in _named(distillation(batch), distillation).items():
                rest = name.removeprefix('loss')
                if rest != name:
                    losses[f'loss_distill{number}{rest}'] = weight * value
                else:
                    losses[f'distill{number}_{name}'] = weight * value.detach()
        self._recorder.clear()
        if self._unlabeled_recorder is not None:
            self._unlabeled_recorder.clear()
        return losses, batches

    def _compare(self, forward: Any, given: dict) -> tuple[dict, list[Batch | None]]:
        """Run teachers and student; return a batch for each distillation."""
        images, data_samples = (given.get(name) for name in self._arguments[:2])
        if not isinstance(images, Tensor):
            raise TypeError(
                'the teacher needs the images as one tensor (N, C, H, W), but the '
                f'first argument of {type(self).__name__}.forward is a '
                f'{type(images).__name__}; give the student a data_preprocessor such '
                'as ImgDataPreprocessor, which stacks them'
            )
        taught = [
            lesson.teacher(images, data_samples, self.data_preprocessor)
            if any(map(self._weight, lesson.distillations))
            else None
            for lesson in self.lessons
        ]
        with self._recorder:
            losses = forward(**given)
        batches: list[Batch | None] = []
        for lesson, theirs in zip(self.lessons, taught, strict=True):
            batch = theirs and lesson.batch(
                theirs, self, self._recorder, images, data_samples
            )
            batches += [batch] * len(lesson.distillations)
        return losses, batches

    def _with_unlabeled(
        self, batches: Sequence[Batch | None], unlabeled: Images
    ) -> list[Batch | None]:
        """Add unlabelled images to the batches of distillations that need maps only."""
        images, data_samples = unlabeled
        takes = [
            [self._weight(one) and one.maps_only for one in lesson.distillations]
            for lesson in self.lessons
        ]
        if not any(map(any, takes)):
            self._say_unused()
            return list(batches)
        recorder = self._record_unlabeled(images)
        rest, result = iter(batches), []
        for lesson, chosen in zip(self.lessons, takes, strict=True):
            if any(chosen):
                theirs = lesson.teacher(images, data_samples, self.data_preprocessor)
                check_recorded(recorder, lesson.student_features)
                more = lesson.batch(theirs, self, recorder, images, data_samples)
            for taken in chosen:
                batch = next(rest)
                if taken and batch is not None:
                    batch = joined(batch, more)
                result.append(batch)
        return result

    def _record_unlabeled(self, images: Tensor) -> FeatureRecorder:
        """Compute the student's features of unlabelled images."""
        if self._unlabeled_recorder is None:
            features = [
                one for lesson in self.lessons for one in lesson.student_features
            ]
            # One of its own: the calls for the labelled images are still needed.
            self._unlabeled_recorder = FeatureRecorder(
                self, [one.name for one in features], 'student'
            )
        with self._unlabeled_recorder as recorder:
            extract_features(self, images)
        return recorder

    def _say_unused(self) -> None:
        if not self._said_unused:
            self._said_unused = True
            print_log(
                'unlabelled images are loaded but not used: no distillation at work '
                'compares maps alone (FeatureDistillation does)',
                logger='current',
                level=logging.WARNING,
            )

    def _not_finite(self, what: str, total: Tensor) -> dict:
        if self._non_finite == 'stop':
            raise NonFiniteError(
                f'losses are not finite: {what}. The step was not taken. Lower the '
                "learning rate, clip gradients, or set model.non_finite='skip' to pass "
                'over such steps.'
            )
        self.skipped_steps += 1
        print_log(
            f'step skipped, the {self.skipped_steps}. of this run: {what}',
            logger='current',
            level=logging.WARNING,
        )
        # Gradients of 0: only momentum and weight decay still move the weights.
        return dict(loss=_zero(self, total))

    def _weight(self, distillation: Any) -> float:
        return self.distill_strength * distillation.loss_weight

    def _teachers(self) -> list[Teacher]:
        return [lesson.teacher for lesson in self.lessons]

    def train(self, mode: bool = True) -> 'DistillationMixin':
        """Switch between training and evaluation; frozen parts stay in evaluation."""
        super().train(mode)
        modules = dict(self.named_modules())
        for part in self._frozen:
            if part in modules:
                modules[part].eval()
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> dict:
        """Return the student's weights and the distillations', no teacher's."""
        state = super().state_dict(*args, **kwargs)
        prefix = kwargs.get('prefix', args[1] if len(args) > 1 else '')
        for name in [n for n in state if n.startswith(f'{prefix}{REGISTERED}.')]:
            del state[name]
        return state

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        prefix_here = prefix + DISTILLATION
        stored = [name for name in state_dict if name.startswith(prefix_here)]
        if self.distillation is None:
            for name in stored:
                del state_dict[name]
        # A plain checkpoint of the student has none: keep the present ones.
        elif not stored:
            state_dict.update(self.distillation.state_dict(prefix=prefix_here))
        registered = getattr(self, REGISTERED, None)
        if registered is not None:
            state_dict.update(registered.state_dict(prefix=f'{prefix}{REGISTERED}.'))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _apply(self, fn: Any, recurse: bool = True) -> 'DistillationMixin':
        """Move or convert the model, teachers included."""
        super()._apply(fn, recurse)
        if not hasattr(self, REGISTERED):
            for teacher in self._teachers():
                teacher._apply(fn)
        return self

    def __deepcopy__(self, memo: dict) -> 'DistillationMixin':
        """Copy the student; copies (an EMA model, say) share the teachers."""
        for teacher in self._teachers():
            memo[id(teacher)] = teacher
        new = memo[id(self)] = type(self).__new__(type(self))
        new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return new

    def __reduce_ex__(self, protocol: Any) -> tuple:
        """Pickle by the student's class; this one is made at run time."""
        return _new, (type(self).__mro__[2],), self.__dict__


@cache
def distilled_class(student_class: Any) -> Any:
    """Make the class of a student that learns from teachers.

    Raises:
        ValueError: If its ``forward`` does not name its arguments.
    """
    parameters = inspect.signature(student_class.forward).parameters
    if any(one.kind is one.VAR_POSITIONAL for one in parameters.values()):
        raise ValueError(
            f'{student_class.__name__}.forward takes *args, so it is not known which '
            'argument holds the images; write it as forward(self, inputs, '
            "data_samples=None, mode='tensor')"
        )
    arguments = tuple(parameters)[1:]
    return type(
        f'Distilled{student_class.__name__}',
        (DistillationMixin, student_class),
        dict(__module__=__name__, _arguments=arguments),
    )


def _new(student_class: Any) -> BaseModel:
    cls = distilled_class(student_class)
    return cls.__new__(cls)


def _freeze(student: nn.Module, part: str) -> None:
    parameters = [
        parameter
        for name, parameter in student.named_parameters()
        if f'{name}.'.startswith(f'{part}.')
    ]
    if not parameters:
        raise ValueError(f'model.frozen: the student has no parameter in {part!r}')
    for parameter in parameters:
        parameter.requires_grad = False


def _named(losses: Any, distillation: Distillation) -> dict[str, Tensor]:
    if not isinstance(losses, dict):
        raise TypeError(
            f'{type(distillation).__name__}.forward has returned a '
            f'{type(losses).__name__}; return its losses by name, dict(loss=...)'
        )
    # MMEngine would add it to the total, though nothing is trained on it.
    unclear = [one for one in losses if 'loss' in one and not one.startswith('loss')]
    if unclear:
        raise ValueError(
            f'{type(distillation).__name__}.forward has returned {unclear[0]!r}; begin '
            "the names of losses with 'loss', and leave the word out of all others"
        )
    return losses


def _buffers(model: nn.Module) -> Iterator[Tensor]:
    """The buffers that a training step may change."""
    for name, buffer in model.named_buffers():
        if not name.startswith(REGISTERED):
            yield buffer


def _zero(module: nn.Module, like: Tensor) -> Tensor:
    """A loss of 0 that gives every trainable parameter a gradient of 0."""
    return sum(
        (0.0 * p.sum() for p in module.parameters() if p.requires_grad),
        like.new_zeros(()),
    )
