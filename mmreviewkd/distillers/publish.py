"""The student alone, as a file to publish."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, MODELS, Registry, init_default_scope
from mmengine.runner import CheckpointLoader

from mmreviewkd.default_hooks import drop_hooks_that_are_off
from mmreviewkd.errors import UsageError
from mmreviewkd.files import ATOMIC
from mmreviewkd.model_config import (
    build_model,
    is_distilled,
    resolve_model_config,
)
from mmreviewkd.type_names import by_name, type_name

from .distilled_model import students_own

RUN_FIELDS = ('work_dir', 'load_from', 'resume', 'launcher')
"""Fields of a run's config that mean nothing for a published model."""
PACKAGE = __name__.split('.')[0]


def publish_student(
    cfg: Config, checkpoint: str, out_dir: str | Path
) -> tuple[Path, Path]:
    """Write student.py and student.pth, for stock MMDetection where it is a detector.

    A classifier of this package needs the package, as the config says.

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
    init_default_scope('mmdet')
    # New-style configs also hold what they import.
    fields = {key: cfg[key] for key in cfg.to_dict() if key not in RUN_FIELDS}
    plain = Config(by_name(fields))
    plain.model = resolve_model_config(cfg.model)
    _drop_own_hooks(plain, keep_imports=_is_own(plain.model, MODELS))
    try:
        build_model(plain.model.copy()).load_state_dict(student)
    except RuntimeError as error:
        raise UsageError(
            f'{checkpoint} does not hold the weights of the student: {error}'
        ) from error
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    config_path, weights_path = out_dir / 'student.py', out_dir / 'student.pth'
    plain.dump(config_path)
    meta = {'dataset_meta': content.get('meta', {}).get('dataset_meta')}
    torch.save(dict(meta=meta, state_dict=student), weights_path)
    return config_path, weights_path


def _drop_own_hooks(cfg: Config, keep_imports: bool) -> None:
    """Take out of a config what serves the distillation only."""
    imports = cfg.get('custom_imports') or {}
    names = imports.get('imports') or []
    names = [names] if isinstance(names, str) else names
    others = [name for name in names if keep_imports or name.split('.')[0] != PACKAGE]
    if others:
        cfg.custom_imports.imports = others
    elif imports:
        cfg.pop('custom_imports')
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
    kind = config['type']
    found = registry.get(kind) if isinstance(kind, str) else kind
    return bool(found) and found.__module__.split('.')[0] == PACKAGE
