"""Detectors with their weights, to look at images with."""

from collections.abc import Sequence
from pathlib import Path

from mmdet.apis import init_detector
from mmdet.models.detectors import BaseDetector
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import CheckpointLoader

from .errors import UsageError
from .hooks.strict_load import load_strictly
from .model_config import is_distilled, model_of_run
from .teachers.renormalize import keep_direction


def load_detector(
    cfg: Config, checkpoint: str, device: str | None = None
) -> BaseDetector:
    """Build a detector, distilled or plain, in evaluation mode.

    Args:
        cfg (Config): Config of a run, which is left as it is.
        checkpoint (str): Its weights.
        device (str, optional): Defaults to None: the best one there is.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        UsageError: If it cannot be read, or is of another model.
    """
    content = CheckpointLoader.load_checkpoint(
        checkpoint, map_location='cpu', logger='silent'
    )
    cfg = cfg.copy()
    cfg.model = model_of_run(cfg)
    model = init_detector(
        cfg,
        checkpoint,
        palette='random',
        device=device or get_device(),
        # Otherwise it looks for a backbone, which a distilled model's config has in
        # another place.
        cfg_options={},
    )
    load_strictly(model, content, checkpoint)
    if not is_distilled(cfg.model):  # whose student's direction is known
        keep_direction(model.data_preprocessor, cfg.model.get('data_preprocessor'))
    return model


def find_model(model: str, others: Sequence[str]) -> tuple[str, str, list[str]]:
    """Tell config, checkpoint and what follows them on a command line.

    Args:
        model (str): A config, or a folder that ``publish_student`` has written.
        others (Sequence[str]): What follows: the checkpoint, ``*.pth``, which may be
            left out after a folder, and the rest.

    Returns:
        tuple[str, str, list[str]]: The config, the checkpoint and the rest.

    Raises:
        UsageError: If a config has no checkpoint after it.
    """
    config, checkpoint, rest = model, None, list(others)
    if Path(model).is_dir():
        config, checkpoint = f'{model}/student.py', f'{model}/student.pth'
    if rest and (rest[0].endswith('.pth') or '://' in rest[0]):
        checkpoint = rest.pop(0)
    if checkpoint is None:
        raise UsageError(
            f'{model} is no folder of a published student, so its checkpoint (*.pth) '
            'has to follow it'
        )
    return config, checkpoint, rest
