"""A detector that learns from a teacher."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType
from mmengine.logging import print_log
from mmengine.model import ModuleList
from torch import Tensor, nn

from mmreviewkd.distillations import Distillation, Step

from .finite import ACTIONS, NonFiniteError, describe, is_finite_everywhere
from .inherit import inherit
from .levels import Levels, level_channels, match_levels
from .model_config import resolve_model_config
from .teacher import Teacher

DISTILLATION = 'distillation.'
"""Prefix of the weights that a checkpoint holds beside the student's."""


def students_own(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the weights that a distilled detector has beside the student's."""
    return {
        name: value
        for name, value in weights.items()
        if not name.startswith(DISTILLATION)
    }


class DistillationMixin:
    """Adds a teacher to a detector's class.

    The result *is* the student: prediction, weight names and attributes are
    inherited from its class and stay as they are. Only :meth:`loss` does more:
    images -> teacher's maps; student's own losses, its neck's maps captured on
    the way -> distillations, whose losses are added to the student's.

    Args:
        teacher (:obj:`Teacher`): The teacher; kept outside the modules.
        distillation (list[dict], optional): Configs of the ways of learning from it;
            None builds a model that can only be tested.
        levels (list[tuple[int, int]], optional): The levels that are compared, the
            student's and the teacher's; None for all.
        inherit (Sequence[str]): Parts that start from the teacher's weights.
        frozen (Sequence[str]): Parts that are not trained.
        non_finite (str): What to do where a loss is not finite.
        **student: The arguments of the student's class.

    Attributes:
        distillation (ModuleList): The ways of learning from the teacher.
        distill_strength (float): Factor on their losses. Where it or the weights of
            all of them are 0, nothing of them is run, and the student trains exactly
            as without a teacher. 1 unless :class:`DistillScheduleHook` changes it.
        student_levels, teacher_levels (tuple[int], optional): The levels of the two
            necks that are compared, counted from 0, the finest; None for all.
        skipped_steps (int): Training steps with losses that were not finite.
    """

    def __init__(
        self,
        teacher: Teacher,
        distillation: Sequence[ConfigType] | None,
        levels: Sequence[tuple[int, int]] | None,
        inherit: Sequence[str],
        frozen: Sequence[str],
        non_finite: str,
        **student,
    ) -> None:
        super().__init__(**student)
        for part in frozen:
            _freeze(self, part)
        # Past nn.Module's registration: the teacher is no part of the model's
        # weights, optimizer, copies or gradient buckets.
        object.__setattr__(self, 'teacher', teacher)
        # The student's random numbers are those of its training alone.
        with torch.random.fork_rng(devices=[]):
            self.distillation = distillation and ModuleList(
                MODELS.build(one) for one in distillation
            )
        teacher.with_heads = any(one.needs_heads for one in self.distillation or ())
        self.student_levels, self.teacher_levels = (
            zip(*levels, strict=True) if levels else (None, None)
        )
        self.distill_strength = 1.0
        self._inherit = tuple(inherit)
        if non_finite not in ACTIONS:
            raise ValueError(
                f'model.non_finite is {non_finite!r}, but has to be one of '
                f'{", ".join(ACTIONS)}'
            )
        self._non_finite = non_finite
        self.skipped_steps = 0
        self._captured: list[tuple[Tensor, ...]] | None = None
        self._maps: dict[str, Sequence[Tensor]] = {}
        self._log: dict[str, Tensor] = {}

    @property
    def is_distilling(self) -> bool:
        """bool: Whether the teacher has a part in the losses."""
        return any(map(self._weight, self.distillation))

    def init_weights(self) -> None:
        """Initialise student and distillations, and load the teacher.

        MMEngine's runner calls this before training only: the teacher's
        weights are read, and checked, before the first step, and never for
        testing.
        """
        self.teacher.load()
        distillation = self._modules.pop('distillation')
        super().init_weights()
        with torch.random.fork_rng(devices=[]):
            distillation.init_weights()
        self.distillation = distillation
        if self._inherit:
            inherit(self, self.teacher.read_weights(), self._inherit)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """The student's maps; remembered during :meth:`loss`."""
        feats = super().extract_feat(batch_inputs)
        if self._captured is not None:
            self._captured.append(feats)
        return feats

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict:
        """The student's own losses and the distillation loss.

        Args:
            batch_inputs (Tensor): Images (N, C, H, W), normalised for the
                student.
            batch_data_samples (list[:obj:`DetDataSample`]): Their annotations.

        Returns:
            dict: The student's losses under their own names, and ``loss_distill``;
            with several distillations ``loss_distill_0``, ``loss_distill_1``, ...
            Where it is a sum over levels, ``loss_distill_level_0``, the finest one's,
            ``loss_distill_level_1``, ... are logged too (:meth:`parse_losses`).
        """
        if self.is_distilling:
            losses, step = self._compare(batch_inputs, batch_data_samples)
        else:
            losses, step = super().loss(batch_inputs, batch_data_samples), None
        self._maps, self._log = step.maps if step else {}, {}
        several = len(self.distillation) > 1
        for number, distillation in enumerate(self.distillation):
            name = f'loss_distill_{number}' if several else 'loss_distill'
            weight = self._weight(distillation)
            # Gradients of 0 where it is off: data-parallel training waits for them.
            losses[name] = (
                weight * distillation(step)
                if weight
                else _zero(distillation, batch_inputs)
            )
            if step:
                for part, value in step.log.items():
                    self._log[f'{name}_{part}'] = weight * value.detach()
                step.log.clear()
        return losses

    def _weight(self, distillation: Distillation) -> float:
        return self.distill_strength * distillation.loss_weight

    def _compare(self, images: Tensor, data_samples: SampleList) -> tuple[dict, Step]:
        """Run teacher and student; return the student's losses and what both saw."""
        teacher_feats = self.teacher(images, data_samples, self.data_preprocessor)
        self._captured = []
        try:
            losses = super().loss(images, data_samples)
            (feats,) = self._captured
        finally:
            self._captured = None
        step = Step(
            self,
            self.teacher,
            images,
            data_samples,
            feats,
            teacher_feats,
            self.student_levels or range(len(feats)),
            self.teacher_levels or range(len(teacher_feats)),
        )
        step.maps["the teacher's maps"] = step.targets
        step.maps["the student's maps"] = feats
        return losses, step

    def parse_losses(self, losses: dict) -> tuple[Tensor, dict]:
        """Sum the losses, and see to those that are not finite.

        Args:
            losses (dict): What :meth:`loss` has returned.

        Returns:
            tuple[Tensor, dict]: The loss to follow, and all losses to log. Where a
            step is to be skipped, the loss has gradients of 0, so that only momentum
            and weight decay still move the weights.

        Raises:
            NonFiniteError: If a loss is not finite and training is to stop then.
        """
        maps, self._maps = self._maps, {}
        parts, self._log = self._log, {}
        loss, log_vars = super().parse_losses(losses)
        log_vars |= parts
        if self._non_finite == 'ignore' or is_finite_everywhere(loss):
            return loss, log_vars
        what = describe(log_vars, maps)
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
        zero = _zero(self, loss)
        return zero, dict(loss=zero)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        prefix_here = prefix + DISTILLATION
        stored = [name for name in state_dict if name.startswith(prefix_here)]
        if self.distillation is None:
            for name in stored:
                del state_dict[name]
        # A plain checkpoint of the student has none: keep the present ones.
        elif not stored:
            state_dict.update(self.distillation.state_dict(prefix=prefix_here))
        super()._load_from_state_dict(state_dict, prefix, *args)


@MODELS.register_module()
def DistilledDetector(
    student: str | ConfigType,
    teacher: str | ConfigType,
    distillation: ConfigType | Sequence[ConfigType],
    teacher_checkpoint: str | None = None,
    teacher_dtype: str | None = None,
    levels: Levels | None = None,
    inherit: Sequence[str] = (),
    frozen: Sequence[str] = (),
    non_finite: str = 'stop',
    data_preprocessor: OptConfigType = None,
) -> BaseDetector:
    """Build a student detector that learns from a teacher while it trains.

    Args:
        student (str | dict): The student's config: a path, a name such as
            ``'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'``, a model's
            dict, or a dict of changes with ``_base_``.
        teacher (str | dict): The teacher's config, likewise. Of the detector,
            backbone and neck are built, in training only, and the heads where a
            distillation needs them. Testing does not need the file that is named here.
        distillation (dict | Sequence[dict]): Config of the way of learning from the
            teacher, or of several. Where one names no ``in_channels`` or
            ``out_channels``, those of the student's and the teacher's neck are taken.
        teacher_checkpoint (str, optional): Path or URL of the teacher's
            checkpoint, needed in training; ``'random'`` for random weights.
            Defaults to None.
        teacher_dtype (str, optional): Precision of the teacher: ``'float32'``,
            ``'float16'`` or ``'bfloat16'``. Defaults to None: the student's under
            mixed precision; else bfloat16 where the device multiplies it faster than
            float32; else float32.
        levels (Sequence[int] | Sequence[tuple[int, int]], optional): Strides of
            the levels to compare, or pairs of a student's and a teacher's level,
            counted from 0, the finest. Defaults to None: all levels, matched by
            stride, which both detectors must have.
        inherit (Sequence[str]): Parts of the student, such as
            ``('neck', 'rpn_head', 'roi_head')``, that start from the teacher's
            weights where name and shape agree. Defaults to (): none.
        frozen (Sequence[str]): Parts of the student, such as
            ``('backbone.conv2',)``, whose parameters are not trained, in addition
            to those that its own config freezes. Defaults to (): none.
        non_finite (str): What to do where a loss is not finite: ``'stop'`` with an
            error that says where it comes from, ``'skip'`` the step and count it, or
            ``'ignore'`` it. Defaults to ``'stop'``.
        data_preprocessor (dict, optional): The student's data preprocessor,
            where its config names none. Defaults to None.

    Returns:
        BaseDetector: The student, an instance of its own class, with
        :class:`DistillationMixin`'s additions.
    """
    student = resolve_model_config(student)
    if data_preprocessor is not None:
        student.setdefault('data_preprocessor', data_preprocessor)
    with MODELS.switch_scope_and_registry(student.get('_scope_')) as registry:
        student_class = registry.get(student.type)
    if student_class is None:
        raise KeyError(
            f'the student {student.type} is not in the registry of models; is it '
            'misspelt, or its package missing from custom_imports?'
        )
    try:
        teacher_config = resolve_model_config(teacher)
    except FileNotFoundError as error:
        print_log(
            f"the teacher's config is missing, so this model can be tested but not "
            f'trained: {error}',
            logger='current',
            level=logging.WARNING,
        )
        distillation, pairs = None, None
    else:
        pairs = match_levels(student, teacher_config, levels)
        if isinstance(distillation, dict):
            distillation = [distillation]
        distillation = [
            _with_channels(one, student, teacher_config, pairs) for one in distillation
        ]
    return MODELS.build(
        {
            **student,
            'type': _distilled(student_class),
            'teacher': Teacher(teacher, teacher_checkpoint, teacher_dtype),
            'distillation': distillation,
            'levels': pairs,
            'inherit': inherit,
            'frozen': frozen,
            'non_finite': non_finite,
        }
    )


@cache
def _distilled(student_class: type[BaseDetector]) -> type[BaseDetector]:
    name = f'Distilled{student_class.__name__}'
    return type(name, (DistillationMixin, student_class), {})


def _with_channels(
    distillation: ConfigType,
    student: ConfigType,
    teacher: ConfigType,
    pairs: list[tuple[int, int]] | None,
) -> dict:
    """Fill in the channels that a distillation's config leaves open."""
    distillation = dict(distillation)
    for side, (key, who, detector) in enumerate(
        [('in_channels', 'student', student), ('out_channels', 'teacher', teacher)]
    ):
        given = distillation.get(key)
        try:
            channels = level_channels(detector, who)
        except ValueError:
            if given is None:
                raise
            continue
        every = range(len(channels))
        numbers = every if pairs is None else [pair[side] for pair in pairs]
        if not set(numbers) <= set(every):
            raise ValueError(
                f"model.levels names the {who}'s levels {list(numbers)}, but its "
                f'neck has {len(channels)}, counted from 0'
            )
        distillation[key] = [channels[number] for number in numbers]
        if given is not None and list(given) != distillation[key]:
            raise ValueError(
                f'distillation.{key} is {list(given)}, but the levels compared of the '
                f"{who}'s neck have the channels {distillation[key]}; leave "
                f'distillation.{key} out to have these'
            )
    return distillation


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


def _zero(module: nn.Module, like: Tensor) -> Tensor:
    """A loss of 0 that gives every trainable parameter a gradient of 0."""
    return sum(
        (0.0 * p.sum() for p in module.parameters() if p.requires_grad),
        like.new_zeros(()),
    )
