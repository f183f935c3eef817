"""Batches of made-up maps, without models that make them."""

from types import SimpleNamespace

import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmreviewkd.features import Feature
from mmreviewkd.methods import Batch

STRIDES = (4, 8, 16)


def batch(
    boxes: list[list], size: int = 32, channels: int = 4, points: bool = False
) -> Batch:
    """Random maps in float64 of square images with these boxes.

    The finest level, which both sides have, is not compared.
    """
    torch.manual_seed(0)
    feats, targets = (
        tuple(
            torch.randn(
                (len(boxes), channels, size // stride, size // stride),
                dtype=torch.double,
            )
            for stride in STRIDES
        )
        for _ in range(2)
    )
    for feat in feats:
        feat.requires_grad_()
    generator = (
        dict(type='MlvlPointGenerator', strides=STRIDES)
        if points
        else dict(
            type='AnchorGenerator', strides=STRIDES, ratios=[0.5, 1, 2], scales=[2]
        )
    )
    head = SimpleNamespace(prior_generator=TASK_UTILS.build(generator))
    samples = []
    for own in boxes:
        own = torch.tensor(own, dtype=torch.float).reshape(-1, 4)
        labels = torch.zeros(len(own), dtype=torch.long)
        instances = InstanceData(bboxes=own, labels=labels)
        samples.append(DetDataSample(gt_instances=instances))
    levels = [Feature('neck', n, channels, s) for n, s in enumerate(STRIDES)]
    return Batch(
        feats=feats[1:],
        targets=targets[1:],
        images=torch.zeros(len(boxes), 3, size, size),
        data_samples=samples,
        student=SimpleNamespace(rpn_head=head, neck=torch.nn.Identity()),
        teacher=None,
        student_feats=feats,
        teacher_feats=targets,
        levels=tuple(levels[1:]),
    )
