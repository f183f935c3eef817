"""What detectors and connectors make of an image."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from mmreviewkd.connectors import ABF, ReviewConnector
from mmreviewkd.connectors.connector import resize


class View(NamedTuple):
    """What one detector makes of an image.

    Args:
        name (str): Name of the detector.
        feats (tuple[Tensor]): Maps (1, C_i, H_i, W_i) of its neck, finest level first.
        sample (:obj:`DetDataSample`, optional): Its predictions.
    """

    name: str
    feats: tuple[Tensor, ...]
    sample: DetDataSample | None


@torch.no_grad()
def see(name: str, detector: BaseDetector, data: dict) -> View:
    """Have a detector, in evaluation mode, look at an image.

    Args:
        name (str): Name of the detector.
        detector (:obj:`BaseDetector`): A detector with a neck.
        data (dict): The image as a data loader hands it out, in a batch of one.
    """
    seen: list[tuple[Tensor, ...]] = []
    handle = detector.neck.register_forward_hook(lambda *args: seen.append(args[-1]))
    try:
        (sample,) = detector.test_step(copy.deepcopy(data))
    finally:
        handle.remove()
    return View(name, tuple(seen[0]), sample)


def energy(feat: Tensor) -> Tensor:
    """Give the root mean square over the channels of a map (1, C, H, W): (H, W)."""
    return feat[0].float().square().mean(dim=0).sqrt()


def connectors(model: nn.Module) -> list[ReviewConnector]:
    """Find the connectors of a distilled detector."""
    return [module for module in model.modules() if isinstance(module, ReviewConnector)]


@torch.no_grad()
def attention_maps(
    connector: ReviewConnector, feats: Sequence[Tensor]
) -> list[Tensor | None]:
    """Find what the fusion of each level attends to.

    Args:
        connector (ReviewConnector): The connector, in evaluation mode.
        feats (Sequence[Tensor]): The student's maps that are compared, finest level
            first.

    Returns:
        list[Tensor | None]: For each level, finest first, the attention
        (N, 2, H_i, W_i) to the level's own map and to the residual; None for the first
        to be reviewed, and for fusions without attention.
    """
    found: dict[nn.Module, Tensor] = {}

    def note(fusion: nn.Module, inputs: tuple, output: tuple) -> None:
        feat, residual, _ = inputs
        if isinstance(fusion, ABF) and fusion.attention is not None:
            residual = resize(residual, feat.shape[-2:])
            found[fusion] = fusion.attend(fusion.project(feat), residual)

    handles = [level.register_forward_hook(note) for level in connector.levels]
    try:
        connector(feats)
    finally:
        for handle in handles:
            handle.remove()
    return [found.get(level) for level in connector.levels]
