"""Norm and direction of objects' vectors."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

from .object_distillation import no_loss, pool_objects


@MODELS.register_module()
class NormDirection(Distillation):
    """Norm-and-direction loss (ND) on the vectors of the annotated objects.

    ``1 - <s, c_y> / max(|s|, |t|)``, averaged over the objects: s and t are the
    student's and the teacher's vector, c_y the unit vector of the teacher's mean over
    the class of the object. A student's vector shall point there, and be at least as
    long as the teacher's. With the review it is ReviewKD++. See "Improving Knowledge
    Distillation via Regularizing Feature Norm and Direction", 2023
    (https://arxiv.org/abs/2305.17007).

    The authors' code for Faster R-CNN takes the embeddings of the box heads, of the
    proposals that the student is trained on, with the background as one more class, and
    class means that were computed beforehand. Carried over to any detector: the vectors
    are the necks' maps averaged over the annotated boxes, as in
    :class:`ObjectDistillation`, and the class means those of all objects that have been
    seen so far. A linear layer gives the student's vectors the teacher's width where it
    is another.

    It fits detectors with classes, one-stage and two-stage.

    Args:
        in_channels (Sequence[int]): See :class:`ObjectDistillation`.
        out_channels (Sequence[int]): See :class:`ObjectDistillation`.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    sums: Tensor
    counts: Tensor

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        for who, channels in dict(student=in_channels, teacher=out_channels).items():
            if len(set(channels)) > 1:
                raise ValueError(
                    f"the {who}'s levels have the channels {list(channels)}; to "
                    'compare vectors of objects, all levels need as many'
                )
        ours, theirs = in_channels[0], out_channels[0]
        self.embedding: nn.Module = (
            nn.Identity() if ours == theirs else nn.Linear(ours, theirs)
        )

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Make room for a mean of each of the student's classes."""
        classes = number_of_classes(student)
        # Sums, so that each object seen counts as much as any other.
        self.register_buffer('sums', torch.zeros(classes, self.out_channels[0]))
        self.register_buffer('counts', torch.zeros(classes))
        return ()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the objects' vectors; 0 where there are none."""
        boxes = batch.boxes
        labels = torch.cat(
            [one.gt_instances.labels for one in batch.data_samples or ()]
        )
        with torch.autocast(batch.images.device.type, enabled=False):
            preds, targets = pool_objects(batch, boxes)
            # Without objects too: other processes may have some.
            self.remember(targets, labels)
            if not len(labels):
                return dict(loss=no_loss(batch, self))
            preds = self.embedding(preds)
            means = self.sums[labels] / self.counts[labels, None]
            return dict(loss=norm_direction(preds, targets, means.to(preds)))

    @torch.no_grad()
    def remember(self, targets: Tensor, labels: Tensor) -> None:
        """Add vectors (K, C) of the teacher to the means of their classes.

        Those of all processes, so that all have the same means.
        """
        sums, counts = torch.zeros_like(self.sums), torch.zeros_like(self.counts)
        sums.index_add_(0, labels, targets.to(sums))
        counts.index_add_(0, labels, torch.ones_like(labels).to(counts))
        for total, new in ((self.sums, sums), (self.counts, counts)):
            all_reduce(new)
            total += new


def norm_direction(preds: Tensor, targets: Tensor, means: Tensor) -> Tensor:
    """Compute the loss of rows of vectors.

    Args:
        preds (Tensor): Vectors (K, C) of the student.
        targets (Tensor): Those of the teacher.
        means (Tensor): The teacher's mean of the class of each.

    Returns:
        Tensor: The mean over the rows, a scalar.
    """
    preds, targets = as_float(preds), as_float(targets)
    along = (preds * F.normalize(means, dim=1)).sum(1)
    # The floor keeps vectors of zeros from dividing by 0.
    longest = torch.maximum(preds.norm(dim=1), targets.norm(dim=1)).clamp(min=1e-6)
    return (1 - along / longest).mean()


def number_of_classes(student: Any) -> int:
    """Read from a detector's box head how many classes it tells apart.

    Raises:
        ValueError: If it has no box head with classes.
    """
    head = getattr(getattr(student, 'roi_head', student), 'bbox_head', None)
    first = head[0] if isinstance(head, nn.ModuleList) else head
    classes = getattr(first, 'num_classes', None)
    if not isinstance(classes, int):
        raise ValueError(
            'NormDirection fits detectors whose box head has num_classes, one-stage '
            f'or two-stage; {type(student).__name__} has none'
        )
    return classes
