"""Fine-grained feature imitation: near the objects only."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.losses.standardize import standardize
from mmreviewkd.methods import Batch, Distillation

from .near_anchors import near_masks


@MODELS.register_module()
class FGFI(Distillation):
    """Imitates the teacher's maps where an anchor is near an object.

    The squared differences at the positions of :func:`near_masks`, after a 3x3
    convolution of the student's map, are averaged, in each process by itself. See
    "Distilling Object Detectors with Fine-grained Feature Imitation", CVPR 2019
    (https://arxiv.org/abs/1906.03609).

    Published for the one map of a Faster R-CNN without FPN. Carried over: an object is
    imitated on those levels that fit its size; the convolution has no ReLU behind it,
    other than the authors', since FPN maps have both signs; the teacher's maps are
    standardised by :func:`standardize`, and the mean over the channels replaces their
    sum, so that the loss depends neither on the teacher's scale nor its width. The
    authors' code begins after 400 steps, with a convolution near 0; here it begins at
    once.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        threshold (float): Share of the best overlap from which an anchor is near.
            Defaults to 0.5.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        threshold: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.threshold = threshold
        self.adaptations = nn.ModuleList(
            nn.Conv2d(ours, theirs, 3, padding=1)
            for ours, theirs in zip(in_channels, out_channels, strict=True)
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the maps near the objects; 0 for images without any.

        Raises:
            ValueError: If the student has points instead of anchors.
        """
        outs = [
            adapt(feat)
            for adapt, feat in zip(self.adaptations, batch.feats, strict=True)
        ]
        with torch.autocast(outs[0].device.type, enabled=False):
            loss = imitation_loss(
                [as_float(out) for out in outs],
                [standardize(target) for target in batch.targets],
                near_masks(batch, self.threshold, 'FGFI'),
            )
        return dict(loss=loss)


def imitation_loss(
    preds: Sequence[Tensor], targets: Sequence[Tensor], masks: Sequence[Tensor]
) -> Tensor:
    """Half the mean squared difference where the masks are set, of all levels together.

    Args:
        preds (Sequence[Tensor]): The adapted maps (N, C_i, H_i, W_i) of the student.
        targets (Sequence[Tensor]): The teacher's maps, of the same shapes.
        masks (Sequence[Tensor]): Where they are compared (N, H_i, W_i).
    """
    total = sum(
        ((pred - target).square().mean(1) * mask).sum()
        for pred, target, mask in zip(preds, targets, masks, strict=True)
    )
    number = torch.stack([mask.sum() for mask in masks]).sum()
    return total / (2 * number).clamp(min=1)
