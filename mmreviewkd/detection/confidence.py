"""How sure a head is of an object at each anchor or point."""

from collections.abc import Sequence
from typing import Any

from mmdet.models.dense_heads import TOODHead, YOLOXHead
from torch import Tensor

from mmreviewkd.losses.levelwise import as_float


def confidence(head: Any, outputs: Sequence[Any], level: int) -> Tensor:
    """Give the highest probability of a class at each anchor or point of a level.

    Args:
        head (nn.Module): A dense head, or an RPN, with ``use_sigmoid_cls``.
        outputs (Sequence): What it has returned; the maps of class scores come first.
        level (int): Which of its levels.

    Returns:
        Tensor: From 0 to 1, (N, A, H, W) for A anchors or points to a position. Of a
        softmax, the last class is the background, which does not count.
    """
    scores = as_float(outputs[0][level]).unflatten(1, (-1, head.cls_out_channels))
    if isinstance(head, TOODHead):
        return scores.amax(2)  # They are probabilities.
    if not head.use_sigmoid_cls:
        return scores.softmax(2)[:, :, :-1].amax(2)
    highest = scores.sigmoid().amax(2)
    if isinstance(head, YOLOXHead):
        # It trains class scores where objects are, and whether there is one.
        return highest * as_float(outputs[2][level]).sigmoid()
    return highest
