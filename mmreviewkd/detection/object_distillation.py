"""Learning about objects or images, a vector for each."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from mmreviewkd.connectors.connector import resize
from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation
from mmreviewkd.methods.classifiers import is_classifier


class ObjectDistillation(Distillation):
    """Pools both sides' maps over the annotated objects, to compare the vectors.

    Methods on the relations among the samples of a batch were made for classification,
    where an image is one sample and one vector. Here an annotated object is: RoIAlign
    averages the map of the level that fits its size over its box. The level is chosen
    as in "Feature Pyramid Networks for Object Detection", CVPR 2017
    (https://arxiv.org/abs/1612.03144): the coarsest of which an object covers 14
    positions or more to a side, or else the finest. A classifier's samples are the
    images, and their vectors the means of the last level's maps.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`; for detectors all the
            same.
        out_channels (Sequence[int]): Likewise.
        max_objects (int): Most objects taken of an image; where it has more, a random
            choice of them. Defaults to 16.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        max_objects: int = 16,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.max_objects = max_objects

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Ask for no module; refuse levels from which no vectors can be taken."""
        sides = dict(student=self.in_channels, teacher=self.out_channels)
        for who, channels in sides.items():
            if not is_classifier(student) and len(set(channels)) > 1:
                raise ValueError(
                    f"the {who}'s levels have the channels {list(channels)}; to "
                    'compare vectors of objects, all levels need as many'
                )
        return ()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the vectors; 0 where there are less than two objects."""
        if is_classifier(batch.student):
            rows = (as_float(x[-1]).mean((2, 3)) for x in (batch.feats, batch.targets))
            with torch.autocast(batch.images.device.type, enabled=False):
                return dict(loss=self.compare(*rows))
        boxes = [self.choose(boxes) for boxes in batch.boxes]
        if sum(map(len, boxes)) < 2:
            return dict(loss=no_loss(batch, self))
        with torch.autocast(batch.images.device.type, enabled=False):
            return dict(loss=self.compare(*pool_objects(batch, boxes)))

    def choose(self, boxes: Tensor) -> Tensor:
        """Take at most ``max_objects`` of an image's boxes (K, 4)."""
        if len(boxes) <= self.max_objects:
            return boxes
        return boxes[
            torch.randperm(len(boxes), device=boxes.device)[: self.max_objects]
        ]

    @abstractmethod
    def compare(self, preds: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss of the student's vectors (K, C) and the teacher's."""


def no_loss(batch: Batch, module: nn.Module) -> Tensor:
    """Compute a loss of 0 with a gradient for all maps and weights."""
    every = (*batch.feats, *module.parameters())
    return 0 * torch.stack([x.sum() for x in every]).sum()


def pool_objects(batch: Batch, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Give the objects' vectors (K, C) of the student and (K, D) of the teacher."""
    # A level without a stride is as coarse as the image.
    strides = [level.stride or max(batch.images.shape) for level in batch.levels]
    # The teacher's maps have other sizes where model.resize is 'review'.
    pairs = zip(batch.targets, batch.feats, strict=True)
    targets = [resize(target, feat.shape[-2:]) for target, feat in pairs]
    return pool(batch.feats, boxes, strides), pool(targets, boxes, strides)


def pool(
    maps: Sequence[Tensor], boxes: Sequence[Tensor], strides: Sequence[int]
) -> Tensor:
    """Average maps over boxes, each on the level that fits its size.

    Args:
        maps (Sequence[Tensor]): Maps (N, C, H_i, W_i), finest level first.
        boxes (Sequence[Tensor]): Each image's boxes (K_i, 4), in pixels.
        strides (Sequence[int]): Pixels to a position of each level.

    Returns:
        Tensor: A row for each box, (K, C).
    """
    image = torch.cat([box.new_full((len(box), 1), n) for n, box in enumerate(boxes)])
    rois = torch.cat([image, torch.cat(tuple(boxes))], dim=1).to(as_float(maps[0]))
    sides = (rois[:, 3:] - rois[:, 1:3]).prod(1).clamp(min=0).sqrt()
    # 112 pixels for a stride of 8, 224 for 16, as FPN has it.
    smallest = 14 * sides.new_tensor(strides[1:])
    levels = torch.bucketize(sides, smallest, right=True)
    rows = rois.new_zeros(len(rois), maps[0].shape[1])
    for level, (feat, stride) in enumerate(zip(maps, strides, strict=True)):
        fits = levels == level
        pooled = roi_align(as_float(feat), rois[fits], 1, 1 / stride, aligned=True)
        rows[fits] = pooled.flatten(1)
    return rows
