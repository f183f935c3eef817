"""The student alone, as a file to publish."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import HOOKS, init_default_scope
from mmengine.runner import CheckpointLoader

from mmreviewkd.default_hooks import drop_hooks_that_are_off
from mmreviewkd.files import ATOMIC

from .distilled_detector import students_own
from .model_config import resolve_model_config

RUN_FIELDS = ('custom_imports', 'work_dir', 'load_from', 'resume', 'launcher')
"""Fields of a run's config that mean nothing for a published model."""


def publish_student(
    cfg: Config, checkpoint: str, out_dir: str | Path
) -> tuple[Path, Path]:
    """Write student.py and student.pth for stock MMDetection.

    Args:
        cfg (Config): Config of a distillation run.
        checkpoint (str): One of its checkpoints. (With an EMA hook, MMEngine's
            ``state_dict`` holds the averaged weights: these are published.)
        out_dir (str | Path): Folder to write to; made where missing.

    Returns:
        tuple[Path, Path]: The config and the checkpoint.

    Raises:
        ValueError: If the config is none of a distillation run, or the weights are
            not those of its student.
    """
    if cfg.model.type != 'DistilledDetector':
        raise ValueError(
            f'model.type is {cfg.model.type}, not DistilledDetector: there is no '
            'student to take out'
        )
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = content.get('state_dict', content)
    student = students_own(state)
    plain = Config(
        {key: value for key, value in cfg.to_dict().items() if key not in RUN_FIELDS}
    )
    plain.model = resolve_model_config(cfg.model.student)
    if cfg.model.get('data_preprocessor'):
        plain.model.setdefault('data_preprocessor', cfg.model.data_preprocessor)
    _drop_own_hooks(plain)
    init_default_scope('mmdet')
    try:
        MODELS.build(plain.model.copy()).load_state_dict(student)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} does not hold the weights of the student: {error}'
        ) from error
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    config_path, weights_path = out_dir / 'student.py', out_dir / 'student.pth'
    plain.dump(config_path)
    meta = {'dataset_meta': content.get('meta', {}).get('dataset_meta')}
    torch.save(dict(meta=meta, state_dict=student), weights_path)
    return config_path, weights_path


def _drop_own_hooks(cfg: Config) -> None:
    """Take out of a config what MMDetection alone does not know."""
    if 'custom_hooks' in cfg:
        cfg.custom_hooks = [hook for hook in cfg.custom_hooks if not _is_own(hook)]
    drop_hooks_that_are_off(cfg)
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if _is_own(hook)]:
        del hooks[name]
    checkpoint = hooks.get('checkpoint') or {}
    if (checkpoint.get('backend_args') or {}).get('backend') == ATOMIC:
        del checkpoint['backend_args']


def _is_own(hook: dict | None) -> bool:
    found = hook and HOOKS.get(hook['type'])
    return bool(found) and found.__module__.split('.')[0] == __name__.split('.')[0]
