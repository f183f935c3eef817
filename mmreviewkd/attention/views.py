"""What detectors and connectors make of an image."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmreviewkd.connectors import ABF, ReviewConnector
from mmreviewkd.connectors.connector import resize
from mmreviewkd.distillers import DistillationMixin
from mmreviewkd.features import Feature, FeatureRecorder


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
def see(name: str, model: BaseModel, data: dict, features: Sequence[Feature]) -> View:
    """Have a detector, in evaluation mode, look at an image.

    Args:
        name (str): What to call it.
        model (:obj:`BaseModel`): The detector.
        data (dict): The image as a data loader hands it out, in a batch of one.
        features (Sequence[Feature]): Which of its features are looked at.
    """
    recorder = FeatureRecorder(model, [one.name for one in features])
    try:
        with recorder:
            (sample,) = model.test_step(copy.deepcopy(data))
    finally:
        recorder.remove()
    feats = tuple(
        one.as_map(feat, sample.batch_input_shape)
        for one, feat in zip(features, recorder.features(features), strict=True)
    )
    return View(name, feats, sample)


@torch.no_grad()
def see_both(model: DistillationMixin, data: dict) -> list[View]:
    """Have the first teacher and the student look at an image.

    Of the teacher there may be no heads, so it predicts nothing.
    """
    inputs = model.data_preprocessor(copy.deepcopy(data))
    images, pairs = inputs['inputs'], model.lessons[0].pairs
    maps = model.teacher(images, inputs['data_samples'], model.data_preprocessor)
    feats = tuple(
        one.as_map(maps[number], images.shape[2:])
        for one, (_, number) in zip(pairs.others, pairs.numbers, strict=True)
    )
    return [View('teacher', feats, None), see('student', model, data, pairs.own)]


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
