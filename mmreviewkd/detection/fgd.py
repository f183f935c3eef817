"""Focal and global distillation."""

from collections.abc import Sequence

import torch
from mmcv.cnn.bricks import ContextBlock
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

CHANNELS = 256
POSITIONS = 200 * 336 + 100 * 168 + 50 * 84 + 25 * 42
"""Of the maps of strides 4 to 32 of an image of 1333x800 pixels, padded."""


@MODELS.register_module()
class FGD(Distillation):
    """Focal and global distillation (FGD).

    Focal: squared differences, weighted by the teacher's attention to positions and
    channels, averaged over each object and over the background, and the difference of
    the attentions. Global: squared differences of the maps after each has passed a
    block that relates its positions (GcBlock). See "Focal and Global Knowledge
    Distillation for Detectors", CVPR 2022 (https://arxiv.org/abs/2111.11837).

    The published sums over channels and positions grow with the maps. They are scaled
    here to the size that the published weights were found for, 256 channels and images
    of 1333x800; and both sides' maps are divided by the root mean square of the
    teacher's level, so that these weights, and the temperature, serve for any. A box
    has the positions that it covers, of the padded image; the authors' code places it
    by the size without padding, and gives it one more row and column.

    For one-stage detectors the authors' weights are larger, on maps as they are: alpha
    1e-3, beta and gamma 5e-4, lambda 5e-6 for RetinaNet and GFL, and 1.6 times these,
    with a temperature of 0.8, for FCOS.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        temperature (float): Of the attentions' softmax. Defaults to 0.5.
        foreground (float): Weight of the objects (alpha). Defaults to 5e-5, as
            published for Faster R-CNN, like those that follow.
        background (float): Weight of the background (beta). Defaults to 2.5e-5.
        attention (float): Weight of the attentions' difference (gamma). Defaults to
            5e-5.
        relation (float): Weight of the global part (lambda). Defaults to 5e-7.
        loss_weight (float): Weight of the whole. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        temperature: float = 0.5,
        foreground: float = 5e-5,
        background: float = 2.5e-5,
        attention: float = 5e-5,
        relation: float = 5e-7,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.temperature = temperature
        self.foreground = foreground
        self.background = background
        self.attention = attention
        self.relation = relation
        self.alignments = nn.ModuleList(
            nn.Identity() if ours == theirs else nn.Conv2d(ours, theirs, 1)
            for ours, theirs in zip(in_channels, out_channels, strict=True)
        )
        self.student_contexts, self.teacher_contexts = (
            nn.ModuleList(ContextBlock(width, ratio=0.5) for width in out_channels)
            for _ in range(2)
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Sum the parts over all levels."""
        outs = [
            align(feat)
            for align, feat in zip(self.alignments, batch.feats, strict=True)
        ]
        positions = sum(feat.shape[2:].numel() for feat in batch.feats)
        with torch.autocast(outs[0].device.type, enabled=False):
            losses = [
                self.level_loss(
                    level, as_float(out), as_float(target), batch, positions
                )
                for level, (out, target) in enumerate(
                    zip(outs, batch.targets, strict=True)
                )
            ]
        return dict(loss=torch.stack(losses).sum())

    def level_loss(
        self, level: int, pred: Tensor, target: Tensor, batch: Batch, positions: int
    ) -> Tensor:
        """The loss of one level, maps (N, C, H, W), of a pyramid of ``positions``."""
        scale = (target.square().mean() + 1e-5).rsqrt()
        pred, target = pred * scale, target * scale
        masks = [
            object_mask(boxes, pred.shape[2:], batch.images.shape[2:])
            for boxes in batch.boxes
        ]
        foreground, background, channels, places = focal_parts(
            pred, target, torch.stack(masks), self.temperature
        )
        relation = (
            self.student_contexts[level](pred) - self.teacher_contexts[level](target)
        ).square()
        width = CHANNELS / pred.shape[1]
        area = POSITIONS / positions
        return (
            width * (self.foreground * foreground + self.background * background)
            + self.attention * (width * channels + area * places)
            + self.relation * width * area * relation.sum() / len(pred)
        )


def object_mask(
    boxes: Tensor, size: Sequence[int], image_size: Sequence[int]
) -> Tensor:
    """Weigh the positions of one image's map by the objects there.

    Args:
        boxes (Tensor): The image's boxes (K, 4), in pixels.
        size (Sequence[int]): Height and width of the map.
        image_size (Sequence[int]): Height and width of the padded image.

    Returns:
        Tensor: Where objects are, 1 through the number of positions of the smallest
        one there; 0 elsewhere. Shape (H, W).
    """
    height, width = size
    scale = boxes.new_tensor([width / image_size[1], height / image_size[0]])
    first = (boxes[:, :2] * scale).floor()
    # Objects smaller than a position have that one.
    last = torch.maximum((boxes[:, 2:] * scale).ceil(), first + 1)
    (left, top), (right, bottom) = first.T[..., None], last.T[..., None]
    xs = torch.arange(width, device=boxes.device)
    ys = torch.arange(height, device=boxes.device)
    inside = ((ys >= top) & (ys < bottom))[:, :, None] & ((xs >= left) & (xs < right))[
        :, None
    ]
    weights = inside / (last - first).prod(1)[:, None, None]
    return torch.cat([weights.new_zeros(1, height, width), weights]).amax(0)


def focal_parts(
    pred: Tensor, target: Tensor, mask: Tensor, temperature: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The parts of the focal loss, each a sum over the map, averaged over the images.

    Args:
        pred (Tensor): The student's map (N, C, H, W).
        target (Tensor): The teacher's map, of the same shape.
        mask (Tensor): The objects' weights (N, H, W), see :func:`object_mask`.
        temperature (float): Of the attentions' softmax.

    Returns:
        tuple[Tensor]: Squared differences in objects and in the background, and the
        absolute differences of the attentions to channels and to positions.
    """
    places, channels = attentions(target, temperature)
    own_places, own_channels = attentions(pred, temperature)
    difference = (pred - target).square() * channels[:, :, None, None]
    difference = difference.sum(1) * places
    rest = (mask == 0).to(pred)
    rest = rest / rest.sum((1, 2), keepdim=True).clamp(min=1)
    number = len(pred)
    return (
        (difference * mask).sum() / number,
        (difference * rest).sum() / number,
        (own_channels - channels).abs().sum() / number,
        (own_places - places).abs().sum() / number,
    )


def attentions(feat: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Attention of a map (N, C, H, W) to its positions (N, H, W), and channels (N, C).

    Each has the mean 1.
    """
    size, strength = feat.shape[2:], feat.abs()
    places = (strength.mean(1).flatten(1) / temperature).softmax(1) * size.numel()
    channels = (strength.mean((2, 3)) / temperature).softmax(1) * feat.shape[1]
    return places.unflatten(1, size), channels
