"""From a config to a student with its teachers."""

import copy
import logging
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import nn

from mmreviewkd.features import Feature, FeaturePairs, Levels, match_levels, measure
from mmreviewkd.features.measure import default_features
from mmreviewkd.model_config import (
    build_model,
    model_class,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.teachers import Teacher
from mmreviewkd.teachers.renormalize import keep_direction
from mmreviewkd.type_names import by_name

from .distilled_model import distilled_class
from .finite import ACTIONS
from .inherit import AUTO, BACKBONE, Start
from .lesson import Lesson

Config = dict[str, Any]
Names = str | Sequence[str]


def build_distilled_model(
    student: str | Config,
    teacher: str | Config | None = None,
    distillation: Config | Sequence[Config] | None = None,
    teacher_checkpoint: str | None = None,
    teacher_dtype: str | None = None,
    teacher_features: Names | None = None,
    teacher_keys: Sequence[tuple[str, str]] = (),
    student_features: Names | None = None,
    levels: Levels | None = None,
    resize: str | None = None,
    teachers: Sequence[Config] | None = None,
    inherit: str | Sequence[str] = (),
    frozen: Sequence[str] = (),
    non_finite: str = 'stop',
    register_teachers: bool = False,
    data_preprocessor: Config | None = None,
    backbone: Config | None = None,
) -> BaseModel:
    """Build a student that learns from a teacher, or several, while it trains.

    Registered as ``DistilledModel``.

    Args:
        student (str | dict): The student's config: a path, a name such as
            ``'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'``, a model's
            dict, or a dict of changes with ``_base_``. Its class may be any
            :class:`mmengine.model.BaseModel` with a backbone.
        teacher (str | dict): The teacher's config, likewise; or that of any registered
            module, see :class:`TimmModel`, :class:`TorchvisionModel` and
            :class:`ImageModel`. Testing does not need the file that is named here.
        distillation (dict | Sequence[dict]): Config of the way of learning from the
            teacher, or of several.
        teacher_checkpoint (str, optional): Path or URL of the teacher's weights, see
            :func:`read_weights`; ``'random'`` for random weights. Defaults to None: the
            teacher brings its own.
        teacher_dtype (str, optional): Precision of the teacher: ``'float32'``,
            ``'float16'`` or ``'bfloat16'``. Defaults to None: see :class:`Teacher`.
        teacher_features (str | Sequence[str], optional): Names of the teacher's modules
            whose features are compared, such as ``'backbone'`` or
            ``['backbone.layer3', 'backbone.layer4']``. Defaults to None: the neck, or
            the backbone where there is none.
        teacher_keys (Sequence[tuple[str, str]]): Patterns in the names of the teacher's
            weights, and what to put in their place. Defaults to ().
        student_features (str | Sequence[str], optional): Those of the student.
            Defaults to None, likewise.
        levels (Sequence[int] | Sequence[tuple[int, int]], optional): Strides of
            the levels to compare, or pairs of a student's and a teacher's level,
            counted from 0. Defaults to None: all strides that both have.
        resize (str, optional): ``'nearest'`` or ``'pool'``: how to give a teacher's map
            the student's size; ``'review'``: the connector's maps get the teacher's,
            see :class:`FeaturePairs`. Defaults to None: only levels of the same stride
            are compared.
        teachers (Sequence[dict], optional): Several teachers, in place of one: a dict
            for each, with the fields above but ``student``. Defaults to None.
        inherit (str | Sequence[str]): Parts of the student, such as
            ``('neck', 'rpn_head', 'roi_head')``, that start from the first teacher's
            weights where name and shape agree, see
            :func:`~mmreviewkd.distillers.inherit.inherit`; ``'auto'``: all parts that
            fit, but for a backbone that has pretrained weights. Defaults to (): none.
        frozen (Sequence[str]): Parts of the student, such as
            ``('backbone.conv2',)``, that stay as they are: their parameters are not
            trained, their batch statistics do not move. Defaults to (): those alone
            that its own config freezes.
        non_finite (str): What to do where a loss is not finite: ``'stop'`` with an
            error that says where it comes from, ``'skip'`` the step and count it, or
            ``'ignore'`` it. Defaults to ``'stop'``.
        register_teachers (bool): Whether the teachers are modules of the model, so
            that FSDP shards them. Their weights are in no checkpoint in any case.
            Defaults to False.
        data_preprocessor (dict, optional): The student's data preprocessor,
            where its config names none. Defaults to None.
        backbone (dict, optional): Of no effect. MMDetection's ``init_detector`` looks
            for the field in each model's config.

    Returns:
        BaseModel: The student, an instance of its own class, with
        :class:`DistillationMixin`'s additions.

    Raises:
        ValueError: If a field does not fit; the message says which.
    """
    if non_finite not in ACTIONS:
        raise ValueError(
            f'model.non_finite is {non_finite!r}, but has to be one of '
            f'{", ".join(ACTIONS)}'
        )
    one: Config = dict(
        teacher=teacher,
        distillation=distillation,
        teacher_checkpoint=teacher_checkpoint,
        teacher_dtype=teacher_dtype,
        teacher_features=teacher_features,
        teacher_keys=teacher_keys,
        student_features=student_features,
        levels=levels,
        resize=resize,
    )
    given = [name for name, value in one.items() if value]
    if teachers is not None and given:
        raise ValueError(
            f'model.teachers stands for several teachers, each with its own fields; '
            f'move model.{given[0]} into one of its dicts'
        )
    if teachers is not None and not teachers:
        raise ValueError('model.teachers is empty; give it a dict for each teacher')
    config = resolve_model_config(student)
    pretrained = without_pretrained(config) != config
    model = _build_student(config, data_preprocessor)
    if inherit == AUTO:
        start = Start(_parts(model, but=(BACKBONE,) if pretrained else ()), True)
    else:
        start = Start(_names(inherit, 'inherit'))
    # The student's random numbers are those of its training alone.
    with torch.random.fork_rng(devices=[]):
        lessons = _lessons(model, teachers) if teachers else [_lesson(model, **one)]
    distillations = [one for lesson in lessons for one in lesson.distillations]
    complete = all(lesson.pairs for lesson in lessons)
    model.learn(
        lessons if complete else [Lesson(lesson.teacher) for lesson in lessons],
        nn.ModuleList(distillations) if complete else None,
        start,
        _names(frozen, 'frozen'),
        non_finite,
        register_teachers,
    )
    return model


def _parts(student: BaseModel, but: Sequence[str]) -> tuple[str, ...]:
    """Name the parts that may start from a teacher's weights."""
    names = [name for name, _ in student.named_children()]
    return tuple(name for name in names if name not in ('data_preprocessor', *but))


def _build_student(config: ConfigDict, data_preprocessor: Config | None) -> BaseModel:
    if data_preprocessor is not None:
        config.setdefault('data_preprocessor', data_preprocessor)
    student_class: Any = model_class(config)
    if student_class is None:
        raise KeyError(
            f'the student {config.type} is not in the registry of models; is it '
            'misspelt, or its package missing from custom_imports?'
        )
    if not (isinstance(student_class, type) and issubclass(student_class, BaseModel)):
        raise ValueError(
            f'the student {config.type} is no BaseModel of MMEngine, so it has no '
            'losses of its own'
        )
    config.type = distilled_class(student_class)
    # A copy is taken before, since some models change their configs.
    preprocessor = copy.copy(config.get('data_preprocessor'))
    model = build_model(config)
    keep_direction(model.data_preprocessor, preprocessor)
    return model


def _lessons(student: BaseModel, teachers: Sequence[Config]) -> list[Lesson]:
    """Build each teacher's part; errors say whose they are."""
    lessons = []
    for number, fields in enumerate(teachers):
        try:
            lessons.append(_lesson(student, **fields))
        except (TypeError, ValueError) as error:
            raise ValueError(f'model.teachers[{number}]: {error}') from error
    return lessons


def _lesson(
    student: BaseModel,
    teacher: str | Config | None = None,
    distillation: Config | Sequence[Config] | None = None,
    teacher_checkpoint: str | None = None,
    teacher_dtype: str | None = None,
    teacher_features: Names | None = None,
    teacher_keys: Sequence[tuple[str, str]] = (),
    student_features: Names | None = None,
    levels: Levels | None = None,
    resize: str | None = None,
) -> Lesson:
    """Build a teacher's part; without the teacher's config, only what testing needs."""
    if not teacher:
        raise ValueError('model.teacher is missing')
    if not distillation:
        raise ValueError('model.distillation is missing')
    configs = [distillation] if isinstance(distillation, dict) else distillation
    if not isinstance(configs, list | tuple) or not all(
        isinstance(config, dict) for config in configs
    ):
        raise ValueError(
            'model.distillation has to be the config of a way of learning, or a list '
            f'of such; got {distillation!r}'
        )
    built = Teacher(
        teacher,
        teacher_checkpoint,
        teacher_dtype,
        _names(teacher_features, 'teacher_features'),
        teacher_keys,
    )
    try:
        theirs = built.measure()
    except FileNotFoundError as error:
        print_log(
            f"the teacher's config is missing, so this model can be tested but not "
            f'trained: {error}',
            logger='current',
            level=logging.WARNING,
        )
        return Lesson(built)
    names = _names(student_features, 'student_features')
    ours = measure(student, names or default_features(student, 'student'), 'student')
    numbers = match_levels(ours, theirs, levels, resize)
    pairs = FeaturePairs(ours, theirs, numbers, resize)
    distillations = [_build_distillation(config, pairs) for config in configs]
    built.with_heads = any(one.needs_heads for one in distillations)
    return Lesson(built, pairs, distillations)


def _build_distillation(config: Config, pairs: FeaturePairs) -> Any:
    """Build a way of learning for the channels that were measured."""
    config = by_name(dict(config))
    # Of configs of methods, which replace the method of the config that they change.
    config.pop('_delete_', None)
    for key, who, features in (
        ('in_channels', 'student', pairs.own),
        ('out_channels', 'teacher', pairs.others),
    ):
        channels = [one.channels for one in features]
        given = config.get(key)
        if given is not None and list(given) != channels:
            raise ValueError(
                f'distillation.{key} is {list(given)}, but the levels compared of the '
                f'{who} have the channels {channels}: {_list(features)}; leave '
                f'distillation.{key} out to have these'
            )
        config[key] = channels
    if isinstance(config.get('type'), str) and model_class(config) is None:
        # The methods for detectors load MMDetection: not before one is asked for.
        from mmreviewkd import detection  # noqa: F401
    return build_model(config)


def _names(value: Names | None, field: str) -> tuple[str, ...]:
    """Read a field that is a name or a list of names."""
    names = (value,) if isinstance(value, str) else value or ()
    if not isinstance(names, list | tuple) or not all(
        isinstance(name, str) for name in names
    ):
        raise ValueError(
            f'model.{field} has to be the name of a module, or a list of names; got '
            f'{value!r}'
        )
    return tuple(names)


def _list(features: Sequence[Feature]) -> str:
    return ', '.join(map(str, features))
