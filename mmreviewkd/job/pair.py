"""Teacher and student of a job: the configs of their trainings."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from mmreviewkd.files import configs_folder
from mmreviewkd.model_config import (
    is_distilled,
    model_class,
    model_of_run,
    resolve_model_config,
)
from mmreviewkd.task import classifies

from .config_files import beside, find_pair, read_config
from .errors import JobError
from .settings import Detectors

DEMO_SIDE = 224
"""Longest side of the demo's images, in pixels."""
# What a training needs to be one.
_NEEDED = ('train_dataloader', 'train_cfg', 'optim_wrapper')
# Hooks that look at a teacher.
_OF_DISTILLATION = ('FrozenTeacherHook', 'DistillScheduleHook', 'AttentionHook')


@dataclass
class Pair:
    """The configs of a job before they are fitted to the data.

    Args:
        distilled (Config): Of the distilled run; student and teacher are whole models.
        student (Config): Of the student alone: the same, without the teacher.
        teacher (Config, optional): Of the teacher's own training; None where it has
            none, as a teacher of another library, or several teachers.
        checkpoint (str, optional): The trained teacher's weights. None where it is to
            be trained, or brings its own.
        start (str, optional): Weights from which the teacher's training starts.
        max_side (int, optional): Longest side of the images where none is asked for.
            None: that of the pipelines.
    """

    distilled: Config
    student: Config
    teacher: Config | None
    checkpoint: str | None
    start: str | None = None
    max_side: int | None = None


def read_pair(
    names: Detectors, demo: Path, models: Mapping[str, Any] | None = None
) -> Pair:
    """Read the configs of teacher and student.

    Args:
        names (Detectors): Their names.
        demo (Path): The pair to take where none is named. Its teacher is trained.
        models (Mapping[str, Any], optional): Other models than the pair's,
            ``'student'`` or ``'teacher'``, for the same training. Defaults to None.

    Raises:
        JobError: If a config is missing or wrong, or the names do not fit together.
    """
    named = bool(names.pair or names.student or names.teacher)
    if names.student or names.teacher:
        distilled = _join(names)
        file = '--teacher'
    else:
        file = find_pair(names.pair) if names.pair else str(demo)
        distilled = read_config(file, '--pair')
        _check_pair(distilled, file)
    init_default_scope(distilled.get('default_scope') or 'mmdet')
    _add_runtime(distilled)
    distilled.model = model_of_run(distilled)
    distilled.pop('data_preprocessor', None)
    model = distilled.model
    model.update(models or {})
    several = bool(model.get('teachers'))
    teacher = None if several else _training_of(model.teacher, distilled)
    student = resolve_model_config(model)
    # The demo's checkpoint is that of another training.
    own = model.get('teacher_checkpoint') if named and not several else None
    checkpoint = names.teacher_checkpoint or own
    if several and (names.teacher_checkpoint or names.train_teacher):
        raise JobError(
            f'{file} has several teachers; their checkpoints are in its model.teachers'
        )
    start = checkpoint if names.train_teacher else None
    if not several:
        model.teacher = resolve_model_config(model.teacher)
        if not _is_trainable(model.teacher):
            if names.train_teacher:
                raise JobError(
                    f'--train-teacher: a {model.teacher.type} cannot be trained here'
                )
            teacher = None
        model.teacher_checkpoint = None if start else checkpoint
    model.student = student
    return Pair(
        distilled=distilled,
        student=_alone(distilled),
        teacher=teacher,
        checkpoint=None if start else checkpoint,
        start=None if names.from_scratch or start == 'random' else start,
        max_side=None if named else DEMO_SIDE,
    )


def named_config(names: Detectors) -> Config | None:
    """Read the config whose data and evaluation are those of the job.

    Returns:
        Config, optional: That of the pair or of the student; None where neither is
        named.

    Raises:
        JobError: If it is missing or cannot be read.
    """
    if names.pair:
        return read_config(find_pair(names.pair), '--pair')
    return read_config(names.student, '--student') if names.student else None


def _join(names: Detectors) -> Config:
    """Make the config of a distillation from those of two trainings."""
    if names.pair:
        raise JobError(
            'a pair has a teacher and a student; leave out --pair, or --teacher and '
            '--student'
        )
    if not (names.student and names.teacher):
        raise JobError('--teacher and --student go together; give both, or a --pair')
    for flag, name in (('--student', names.student), ('--teacher', names.teacher)):
        if 'model' not in read_config(name, flag):
            raise JobError(f'{flag}: the config {name} has no `model`')
    cfg = read_config(names.student, '--student')
    lacking = [field for field in _NEEDED if not cfg.get(field)]
    if lacking:
        raise JobError(
            f'--student: {names.student} is not the config of a training: it has no '
            f'{lacking[0]}'
        )
    review = Config.fromfile(configs_folder() / '_base_' / 'reviewkd.py')
    recommended = Config.fromfile(configs_folder() / 'methods' / 'recommended.py')
    cfg.model = copy.deepcopy(review.model)
    cfg.model.update(
        student=names.student,
        teacher=names.teacher,
        distillation=recommended.method,
        inherit=recommended.inherit,
    )
    cfg.setdefault('default_hooks', {}).update(
        frozen_teacher=review.default_hooks.frozen_teacher
    )
    # It is in the student's model.
    cfg.pop('data_preprocessor', None)
    return cfg


def _check_pair(cfg: Config, file: str) -> None:
    if not is_distilled(cfg.get('model') or dict(type='')):
        raise JobError(
            f'--pair: {file} is not the config of a distillation (its model.type has '
            'to be DistilledModel); for two plain configs write --teacher and --student'
        )
    model = cfg.model
    for key in ('student', 'teacher'):
        part = model.get(key)
        if isinstance(part, str):
            model[key] = beside(part, file, f'model.{key}')
        elif isinstance(part, dict) and part.get('_base_'):
            part['_base_'] = beside(part['_base_'], file, f'model.{key}')


def _training_of(model: str | ConfigDict, other: Config) -> Config:
    """Read the config of a model's own training.

    That is the file that names the model, with the changes that are made to it; for a
    model without a file, that of the distillation, without weights to start from.
    """
    file = model if isinstance(model, str) else model.get('_base_')
    cfg = read_config(file, 'the teacher') if file else None
    if cfg is None or any(not cfg.get(field) for field in _NEEDED):
        cfg = _alone(other)
        # Those are the student's weights.
        cfg.load_from = None
    cfg.model = resolve_model_config(model)
    cfg.pop('data_preprocessor', None)
    _add_runtime(cfg)
    return cfg


def _alone(distilled: Config) -> Config:
    """The training of the student alone, which differs in nothing but the teacher."""
    cfg = copy.deepcopy(distilled)
    cfg.model = resolve_model_config(distilled.model)
    cfg.default_hooks = ConfigDict(
        {
            name: hook
            for name, hook in cfg.default_hooks.items()
            if not _looks_at_teacher(hook)
        }
    )
    hooks = cfg.get('custom_hooks') or []
    cfg.custom_hooks = [hook for hook in hooks if not _looks_at_teacher(hook)]
    return cfg


def _looks_at_teacher(hook: Any) -> bool:
    kind = hook.get('type') if isinstance(hook, dict) else type(hook)
    return getattr(kind, '__name__', kind) in _OF_DISTILLATION


def _add_runtime(cfg: Config) -> None:
    """Give a stock config the hooks and imports of this project's configs."""
    folder, name = configs_folder(), '_base_/default_runtime.py'
    if classifies(cfg):
        name = 'classification/_base_/runtime.py'
    runtime = Config.fromfile(folder / name)
    own = {key: cfg[key] for key in runtime if key in cfg and key != 'custom_imports'}
    runtime.merge_from_dict(copy.deepcopy(own))
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    runtime.custom_imports.imports = list(
        dict.fromkeys([*runtime.custom_imports.imports, *imports])
    )
    for key, value in runtime.items():
        cfg[key] = value


def _is_trainable(model: ConfigDict) -> bool:
    kind = model_class(model)
    if kind is None:
        raise JobError(
            f'the teacher {model.type} is not in the registry of models; is it '
            'misspelt, or its package missing from custom_imports?'
        )
    return isinstance(kind, type) and issubclass(kind, BaseModel)
