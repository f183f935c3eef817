"""Contrastive representation distillation."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from .object_distillation import ObjectDistillation


@MODELS.register_module()
class CRD(ObjectDistillation):
    """Contrastive representation distillation (CRD), of objects.

    Student and teacher embed each object as a unit vector; an object's two embeddings
    are to be more alike than those of two different objects. See "Contrastive
    Representation Distillation", ICLR 2020 (https://arxiv.org/abs/1910.10699).

    Published for classification, with negatives from a memory of the whole training
    set (16384 of them in the authors' code), where each pair is judged on its own to be
    of one image or of two. Here the samples are the annotated objects, or a
    classifier's images, the negatives of one are the others of the batch, and the loss
    is the cross-entropy over them (InfoNCE), from student to teacher and back. A memory
    of all objects of a training set would hold old vectors of boxes cropped or resized
    otherwise. Width and temperature are the authors'.

    Args:
        in_channels (Sequence[int]): See :class:`ObjectDistillation`.
        out_channels (Sequence[int]): See :class:`ObjectDistillation`.
        embed_channels (int): Channels of the embeddings. Defaults to 128.
        temperature (float): What similarities are divided by. Defaults to 0.07.
        max_objects (int): See :class:`ObjectDistillation`. Defaults to 16.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        embed_channels: int = 128,
        temperature: float = 0.07,
        max_objects: int = 16,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, max_objects, loss_weight)
        self.temperature = temperature
        self.student_embedding = nn.Linear(in_channels[-1], embed_channels)
        self.teacher_embedding = nn.Linear(out_channels[-1], embed_channels)

    def compare(self, preds: Tensor, targets: Tensor) -> Tensor:
        """Contrast the embeddings."""
        preds = self.student_embedding(preds)
        targets = self.teacher_embedding(targets)
        return contrast(preds, targets, self.temperature)


def contrast(preds: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Tell from each row its counterpart among all rows, both ways.

    Args:
        preds (Tensor): Vectors (K, C).
        targets (Tensor): Their counterparts (K, C).
        temperature (float): What similarities, cosines, are divided by.

    Returns:
        Tensor: The sum of the two cross-entropies, a scalar.
    """
    similarity = F.normalize(preds) @ F.normalize(targets).T / temperature
    own = torch.arange(len(preds), device=preds.device)
    return F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)
