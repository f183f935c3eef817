"""Model configs by name: a path, a package's config, or a changed base."""

import copy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from .config_file import config_by_name
from .type_names import by_name, type_name

DISTILLED = ('DistilledModel', 'DistilledDetector')
"""Names of the model that learns from a teacher, the second that of version 0.1."""
_PRETRAINED = ('Pretrained', 'checkpoint')


def is_distilled(model: dict) -> bool:
    """Say whether a model's config is that of a student with its teacher."""
    return type_name(model) in (*DISTILLED, 'build_distilled_model')


def teacher_configs(model: dict) -> list[str | dict]:
    """List the configs of a distilled model's teachers, one or several.

    Args:
        model (dict): The distilled model's config.
    """
    teachers = model.get('teachers')
    fields = teachers if teachers is not None else [model]
    return [one['teacher'] for one in fields if one.get('teacher')]


def resolve_model_config(model: str | dict) -> ConfigDict:
    """Read the config of a model from where it is named.

    Args:
        model (str | dict): A config file's path, a name in a package such as
            ``'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'``, or the
            model's dict itself. A dict with the key ``_base_`` (a path or a
            name) starts from that config's model and states what differs, as
            config files do (``_delete_`` included). The config of a distillation run
            stands for its student.

    Returns:
        ConfigDict: The model's own config, independent of the input. It has the
        ``default_scope`` of the file that it comes from as its ``_scope_``.

    Raises:
        FileNotFoundError: If a named file does not exist.
        ValueError: If the file is no config or has no ``model``, the dict no
            ``type``, the changes do not fit their base, or ``model`` is none of these.
    """
    if isinstance(model, str):
        return _model_of_file(model)
    if not isinstance(model, dict):
        raise ValueError(
            "a model's config has to be a file, a name such as 'mmdet::...' or a dict; "
            f'got {model!r}'
        )
    changes = ConfigDict(by_name(model))
    base = changes.pop('_base_', None)
    changes.pop('_delete_', None)
    if base is not None:
        resolved = Config(dict(model=_model_of_file(base)))
        try:
            _check_lists(changes, resolved.model)
            resolved.merge_from_dict(dict(model=changes))
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'the changes do not fit _base_={base!r}: {error.args[0]}'
            ) from error
        changes = resolved.model
    if 'type' not in changes:
        raise ValueError(
            "a model's config needs `type`, or `_base_` with the config to start "
            f'from; got the keys {sorted(changes)}'
        )
    if is_distilled(changes):
        return _student_of(changes)
    return changes


def _check_lists(changes: dict, base: dict) -> None:
    """Refuse a dict in the place of a list, of which MMEngine does not say where."""
    for key, value in changes.items():
        old = base.get(key)
        if not isinstance(value, dict) or value.get('_delete_'):
            continue
        if isinstance(old, list) and not all(str(name).isdigit() for name in value):
            raise TypeError(
                f'{key} is a list of {len(old)} there, but a dict here; give a list, '
                f"or change one part by its place, {key}={{'0': dict(...)}}"
            )
        if isinstance(old, list):
            old = {str(place): part for place, part in enumerate(old)}
        if isinstance(old, dict):
            _check_lists(value, old)


def _model_of_file(name: str) -> ConfigDict:
    cfg = config_by_name(name)
    if 'model' not in cfg:
        raise ValueError(f'the config {name} has no `model`')
    scope = cfg.get('default_scope')
    model = ConfigDict(by_name(cfg.model, scope))
    # Some configs of MMDetection keep the preprocessor beside the model.
    if 'data_preprocessor' in cfg:
        model.setdefault('data_preprocessor', by_name(cfg.data_preprocessor, scope))
    if scope is not None:
        # The run that names the file may have another.
        model.setdefault('_scope_', scope)
    return _student_of(model) if is_distilled(model) else model


def _student_of(model: ConfigDict) -> ConfigDict:
    """Take the student out of a distilled model's config."""
    student = resolve_model_config(model.student)
    for key in ('data_preprocessor', '_scope_'):
        if model.get(key):
            student.setdefault(key, by_name(model[key]))
    return student


def model_of_run(cfg: Config) -> ConfigDict:
    """Copy the model's config out of a run's, as MMEngine's runner reads it.

    Args:
        cfg (Config): The run's config, which may keep the data preprocessor beside the
            model.
    """
    model = ConfigDict(copy.deepcopy(cfg.model))
    if cfg.get('data_preprocessor'):
        model.setdefault('data_preprocessor', copy.deepcopy(cfg.data_preprocessor))
    return model


def drop_own_scope(model: dict, scope: str | None) -> None:
    """Take a model's scope out of its config where its file has the same.

    Args:
        model (dict): The model's config, which is changed.
        scope (str, optional): The file's ``default_scope``.
    """
    if scope is not None and model.get('_scope_') == scope:
        del model['_scope_']


def build_model(config: dict | list, scope: str | None = None) -> nn.Module:
    """Build a model, or a part of one, in its scope.

    Args:
        config (dict | list): Its config; a list for parts in a row.
        scope (str, optional): The registry that knows it, such as ``'mmpretrain'``,
            unless ``config`` has ``_scope_``. Defaults to None: the scope of the run,
            or else ``'mmdet'``.
    """
    with MODELS.switch_scope_and_registry(_scope(config, scope)) as registry:
        return registry.build(config)


def model_class(config: dict) -> type[nn.Module] | None:
    """Find the class of a model's config; None where no registry knows it."""
    kind = config['type']
    if not isinstance(kind, str):
        return kind
    with MODELS.switch_scope_and_registry(_scope(config)) as registry:
        return registry.get(kind)


def _scope(config: dict | list, scope: str | None = None) -> str | None:
    scope = (config.get('_scope_') if isinstance(config, dict) else None) or scope
    if scope is None and DefaultScope.get_current_instance() is None:
        return 'mmdet'
    return scope


def without_pretrained(config: Any) -> Any:
    """Copy a model's config without weights to start from.

    For teachers, whose weights come from elsewhere, and for benchmarks and tests,
    which download nothing.
    """
    if isinstance(config, dict):
        changed = {key: without_pretrained(value) for key, value in config.items()}
        # PVT's has a checkpoint and no type.
        if any(word in str(changed.get('init_cfg')) for word in _PRETRAINED):
            changed['init_cfg'] = None
        if changed.get('pretrained'):
            changed['pretrained'] = False if changed['pretrained'] is True else None
        return type(config)(changed)
    if isinstance(config, list | tuple):
        return type(config)(map(without_pretrained, config))
    return config
