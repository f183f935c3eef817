"""The student alone, as a file to publish."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import (
    HOOKS,
    MODELS,
    DefaultScope,
    Registry,
    init_default_scope,
)
from mmengine.runner import CheckpointLoader

from mmreviewkd.datasets import remove_unlabeled
from mmreviewkd.default_hooks import drop_hooks_that_are_off
from mmreviewkd.errors import UsageError
from mmreviewkd.files import ATOMIC, write_checkpoint, write_text
from mmreviewkd.model_config import (
    build_model,
    drop_own_scope,
    is_distilled,
    model_of_run,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.type_names import by_name, type_name

from .distilled_model import students_own
from .portable_config import portable

PACKAGE = __name__.split('.')[0]


def publish_student(
    cfg: Config, checkpoint: str, out_dir: str | Path
) -> tuple[Path, Path]:
    """Write student.py and student.pth, for stock MMDetection where it is a detector.

    A student with a part of this package needs the package, as the config says; a
    classifier of MMPretrain is for stock MMPretrain.

    The config holds nothing of the distillation, of the run or of this machine
    (:func:`portable`). One line of it, ``custom_imports``, asks for this package, whose
    operators stand in where mmcv has no compiled ones; where it is not installed,
    MMEngine passes over it with a warning.

    Args:
        cfg (Config): Config of a distillation run.
        checkpoint (str): One of its checkpoints. (With an EMA hook, MMEngine's
            ``state_dict`` holds the averaged weights: these are published.)
        out_dir (str | Path): Folder to write to; made where missing.

    Returns:
        tuple[Path, Path]: The config and the checkpoint.

    Raises:
        UsageError: If the config is none of a distillation run, or the weights are
            not those of its student.
    """
    if not is_distilled(cfg.model):
        raise UsageError(
            f'model.type is {type_name(cfg.model)}, not DistilledModel: there is no '
            'student to take out'
        )
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = content.get('state_dict', content)
    student = students_own(state)
    scope = cfg.get('default_scope')
    init_default_scope(scope or 'mmdet')
    # New-style configs also hold what they import.
    plain = portable(Config(by_name({key: cfg[key] for key in cfg.to_dict()})))
    # A plain detector cannot be trained on them.
    remove_unlabeled(plain)
    # Whatever it started from, it now has weights of its own.
    plain.model = without_pretrained(resolve_model_config(model_of_run(cfg)))
    plain.pop('data_preprocessor', None)
    drop_own_scope(plain.model, scope)
    _drop_own_hooks(plain)
    _ask_for_package(plain, needed=_has_own_part(plain.model))
    try:
        build_model(plain.model.copy()).load_state_dict(student)
    except RuntimeError as error:
        raise UsageError(
            f'{checkpoint} does not hold the weights of the student: {error}'
        ) from error
    out_dir = Path(out_dir)
    config_path, weights_path = out_dir / 'student.py', out_dir / 'student.pth'
    write_text(config_path, plain.pretty_text)
    known = content.get('meta', {}).get('dataset_meta')
    # MMDetection reads what the key holds, where there is one.
    meta = {'dataset_meta': known} if known else {}
    write_checkpoint(weights_path, dict(meta=meta, state_dict=student))
    return config_path, weights_path


def _ask_for_package(cfg: Config, needed: bool) -> None:
    """Have the config import this package, first; if it is installed, or always."""
    names = (cfg.get('custom_imports') or {}).get('imports') or []
    names = [names] if isinstance(names, str) else names
    others = [name for name in names if needed or name.split('.')[0] != PACKAGE]
    imports = list(dict.fromkeys([PACKAGE, *others]))
    cfg.custom_imports = dict(imports=imports, allow_failed_imports=not needed)


def _drop_own_hooks(cfg: Config) -> None:
    """Take out of a config what serves the distillation only."""
    for field in cfg:
        _load_images_as_mmdetection(cfg[field])
    if 'custom_hooks' in cfg:
        cfg.custom_hooks = [hook for hook in cfg.custom_hooks if not _is_own(hook)]
    drop_hooks_that_are_off(cfg)
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if _is_own(hook)]:
        del hooks[name]
    checkpoint = hooks.get('checkpoint') or {}
    if (checkpoint.get('backend_args') or {}).get('backend') == ATOMIC:
        del checkpoint['backend_args']


def _is_own(config: dict | None, registry: Registry = HOOKS) -> bool:
    """Say whether what a config names is of this package."""
    if not config:
        return False
    found = config['type']
    if isinstance(found, str):
        # Another library may have a class of the same name.
        with registry.switch_scope_and_registry(config.get('_scope_')) as scoped:
            found = scoped.get(found)
    return str(getattr(found, '__module__', '')).split('.')[0] == PACKAGE


def _has_own_part(model: Any) -> bool:
    """Say whether a model's config names a class of this package, at any depth."""
    if isinstance(model, list | tuple):
        return any(map(_has_own_part, model))
    if not isinstance(model, dict):
        return False
    # What is within a part is of its scope, unless it says otherwise.
    with DefaultScope.overwrite_default_scope(model.get('_scope_')):
        own = 'type' in model and _is_own(model, MODELS)
        return own or any(map(_has_own_part, model.values()))


def _load_images_as_mmdetection(part: Any) -> None:
    """Replace LoadImageOrSkip, which is for training with broken images."""
    if isinstance(part, dict):
        if str(part.get('type')).endswith('LoadImageOrSkip'):
            part['type'] = 'LoadImageFromFile'
            part.pop('broken_list', None)
        part = list(part.values())
    if isinstance(part, list | tuple):
        for inner in part:
            _load_images_as_mmdetection(inner)
