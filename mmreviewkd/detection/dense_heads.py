"""What dense heads of MMDetection predict, a row for each anchor or point."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import ATSSHead, FCOSHead, GFLHead, LDHead, RetinaHead
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor, nn

from mmreviewkd.features import Feature
from mmreviewkd.features.recorder import Call
from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch


class Layers(NamedTuple):
    """Names of a head's layers that predict class scores and boxes."""

    classes: str
    boxes: str


LAYERS: dict[type, Layers] = {
    GFLHead: Layers('gfl_cls', 'gfl_reg'),
    LDHead: Layers('gfl_cls', 'gfl_reg'),
    RetinaHead: Layers('retina_cls', 'retina_reg'),
    FCOSHead: Layers('conv_cls', 'conv_reg'),
    ATSSHead: Layers('atss_cls', 'atss_reg'),
}
"""The heads that are known here: two towers of convolutions, shared by all levels."""


def dense_head(detector: Any, method: str, kinds: Sequence[type] = ()) -> Any:
    """Find the dense head of a one-stage detector.

    Args:
        detector (nn.Module): The detector.
        method (str): Who asks, for errors.
        kinds (Sequence[type]): Classes of heads that fit. Defaults to (): all of
            :data:`LAYERS`.

    Raises:
        ValueError: If it has none that fits; names those that do.
    """
    head: Any = getattr(detector, 'bbox_head', None)
    kinds = kinds or tuple(LAYERS)
    # Subclasses may call their layers in another way.
    if type(head) not in kinds or not head.use_sigmoid_cls:
        fits = ', '.join(kind.__name__ for kind in kinds)
        found = type(head or detector).__name__
        raise ValueError(
            f'{method} fits one-stage detectors whose head is one of {fits}, with a '
            f'sigmoid for each class; got {found}'
        )
    return head


def check_same(own: Any, other: Any, method: str) -> None:
    """Refuse heads whose rows do not correspond.

    Raises:
        ValueError: If kinds, classes, or anchors differ.
    """
    for what, values in {
        'heads of the same class': [type(one).__name__ for one in (own, other)],
        'the same classes': [one.num_classes for one in (own, other)],
        'as many anchors to a position': [one.num_base_priors for one in (own, other)],
        'as many bins to a side (reg_max)': [
            getattr(one, 'reg_max', 4) for one in (own, other)
        ],
    }.items():
        if values[0] != values[1]:
            raise ValueError(
                f'{method} needs a student and a teacher with {what}; got '
                f'{values[0]} and {values[1]}'
            )


def check_features(
    method: str, who: str, model: Any, levels: Sequence[Feature]
) -> None:
    """Refuse features of a model that are not what its heads take.

    Args:
        method (str): Who asks.
        who (str): Whose model it is, ``'student'`` or ``'teacher'``.
        model (nn.Module): The model.
        levels (Sequence[Feature]): Those of its features that are compared.

    Raises:
        ValueError: If they come from other modules than its neck, or its backbone
            where it has no neck.
    """
    neck = isinstance(getattr(model, 'neck', None), nn.Module)
    wanted = 'neck' if neck else 'backbone'
    names = {level.name for level in levels}
    if names != {wanted}:
        raise ValueError(
            f'{method} needs what the heads of the {who} get, the features of its '
            f'{wanted}, but model.{who}_features names {", ".join(sorted(names))}; '
            f'leave model.{who}_features out'
        )


def flat_rows(maps: Sequence[Tensor], width: int) -> Tensor:
    """Lay maps (N, A * width, H_i, W_i) out as rows (K, width), level by level."""
    return torch.cat([one.movedim(1, -1).reshape(-1, width) for one in maps])


def class_rows(head: Any, maps: Sequence[Tensor]) -> Tensor:
    """The class scores, before the sigmoid, of some levels: (K, classes)."""
    return as_float(flat_rows(maps, head.cls_out_channels))


def box_rows(head: Any, maps: Sequence[Tensor], levels: Sequence[int]) -> Tensor:
    """Decode what a head predicts of boxes.

    Args:
        head (nn.Module): The head, one of :data:`LAYERS`.
        maps (Sequence[Tensor]): Its predictions for all levels.
        levels (Sequence[int]): The levels to take.

    Returns:
        Tensor: Boxes (K, 4) in pixels, rows as in :func:`class_rows`.
    """
    generator = head.prior_generator
    device = maps[0].device
    priors = generator.grid_priors([one.shape[-2:] for one in maps], device=device)
    # Half precision is too coarse for pixels; GFL's mean over its bins is a product.
    with torch.autocast(device.type, enabled=False):
        boxes = [
            _decode(head, as_float(maps[level]), priors[level], level)
            for level in levels
        ]
    return torch.cat(boxes)


def _decode(head: Any, pred: Tensor, prior: Tensor, level: int) -> Tensor:
    """Decode the boxes (K, 4) of one level, from a map and its anchors or points."""
    own = prior.repeat(len(pred), 1).to(pred)
    stride = head.prior_generator.strides[level][0]
    if isinstance(head, GFLHead):
        sides = head.integral(flat_rows([pred], 4 * (head.reg_max + 1))) * stride
        return head.bbox_coder.decode(head.anchor_center(own), sides)
    rows = flat_rows([pred], 4)
    if isinstance(head, FCOSHead) and head.norm_on_bbox and head.training:
        # In evaluation the head itself counts in pixels.
        rows = rows * stride
    return head.bbox_coder.decode(own, rows)


def assigned_labels(batch: Batch, loss: str = 'bbox_head.loss_cls') -> Tensor:
    """Read the labels that the student's own loss was given in this step.

    Args:
        batch (Batch): The step; ``loss`` has to be one of its recorded modules.
        loss (str): Name of the module of the class loss. Defaults to that of dense
            heads.

    Returns:
        Tensor: A label for each row of all levels (K,); the number of classes, or more,
        for background.
    """
    return torch.cat([labels_of(call) for call in batch.calls(loss)])


def labels_of(call: Call) -> Tensor:
    """The labels (K,) that a class loss was given in a call."""
    own = call.inputs[1]
    # Losses of a quality take (labels, qualities).
    return (own[0] if isinstance(own, tuple) else own).reshape(-1)


def of_levels(
    rows: Tensor, maps: Sequence[Tensor], levels: Sequence[int], priors: int
) -> Tensor:
    """Take the rows of some levels out of those of all.

    Args:
        rows (Tensor): Something for each anchor or point of all levels.
        maps (Sequence[Tensor]): A map (N, C, H_i, W_i) of each level.
        levels (Sequence[int]): The levels to take.
        priors (int): Anchors or points to a position.
    """
    counts = [priors * len(one) * one.shape[-2:].numel() for one in maps]
    parts = rows.split(counts)
    return torch.cat([parts[level] for level in levels])


def giou_distance(preds: Tensor, targets: Tensor) -> Tensor:
    """1 minus the generalised IoU of each box (K, 4) with its target: (K,)."""
    return 1 - bbox_overlaps(preds, targets, mode='giou', is_aligned=True)


def head_pair(batch: Batch, method: str, kinds: Sequence[type] = ()) -> tuple[Any, Any]:
    """Return the student's head and the teacher's, which fit together.

    Raises:
        ValueError: If they do not.
    """
    own, other = (
        dense_head(one, method, kinds) for one in (batch.student, batch.teacher.model)
    )
    check_same(own, other, method)
    check_features(method, 'teacher', batch.teacher.model, batch.teacher_levels)
    return own, other
