"""Detectors with their weights, to look at images with."""

from mmdet.apis import init_detector
from mmdet.models.detectors import BaseDetector
from mmengine.config import Config
from mmengine.device import get_device


def load_detector(cfg: Config, checkpoint: str) -> BaseDetector:
    """Build a detector, distilled or plain, in evaluation mode.

    Args:
        cfg (Config): Config of a run, which is left as it is.
        checkpoint (str): Its weights.
    """
    return init_detector(
        cfg.copy(),
        checkpoint,
        palette='random',
        device=get_device(),
        # Otherwise it looks for a backbone, which a distilled model's config has in
        # another place.
        cfg_options={},
    )
