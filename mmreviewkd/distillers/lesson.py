"""What is learned from one teacher."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmreviewkd.features import Feature, FeaturePairs, FeatureRecorder
from mmreviewkd.methods import Batch, Distillation
from mmreviewkd.teachers import Teacher


class Lesson(NamedTuple):
    """A teacher, the features that are compared, and the ways of learning from it.

    Args:
        teacher (Teacher): The teacher.
        pairs (FeaturePairs, optional): The features that are compared; None in a model
            that can only be tested.
        distillations (Sequence[Distillation]): The ways of learning. Defaults to ().
    """

    teacher: Teacher
    pairs: FeaturePairs | None = None
    distillations: Sequence[Distillation] = ()

    @property
    def student_features(self) -> Sequence[Feature]:
        """Sequence[Feature]: All features of the student's modules."""
        return self.pairs.student if self.pairs else ()

    def batch(
        self,
        teacher_feats: Sequence[Tensor],
        student: nn.Module,
        recorded: FeatureRecorder,
        images: Tensor,
        data_samples: Sequence[Any] | None,
    ) -> Batch:
        """Put together what there is to compare in one training step.

        Args:
            teacher_feats (Sequence[Tensor]): What the teacher has returned.
            student (nn.Module): The student.
            recorded (FeatureRecorder): The calls of its modules in this step.
            images (Tensor): The images (N, C, H, W), as the student sees them.
            data_samples (Sequence): Their annotations.
        """
        pairs = self.pairs
        if pairs is None:
            raise ValueError('this model can be tested, but not trained')
        student_feats = recorded.features(pairs.student)
        feats, targets = pairs.pick(student_feats, teacher_feats, images.shape[2:])
        return Batch(
            feats=feats,
            targets=targets,
            images=images,
            data_samples=data_samples,
            student=student,
            teacher=self.teacher,
            student_feats=tuple(student_feats),
            teacher_feats=tuple(teacher_feats),
            levels=tuple(pairs.own),
            teacher_levels=tuple(pairs.others),
            recorded=recorded,
        )


def joined(batch: Batch, more: Batch) -> Batch:
    """Join the maps of two batches of images that are padded to the same size.

    Args:
        batch (Batch): The first.
        more (Batch): The second, of the same student and teacher.

    Returns:
        Batch: Maps, images and data samples of both, in this order. All else is that of
        the first.
    """
    return replace(
        batch,
        feats=tuple(map(_cat, batch.feats, more.feats)),
        targets=tuple(map(_cat, batch.targets, more.targets)),
        images=_cat(batch.images, more.images),
        data_samples=[*(batch.data_samples or ()), *(more.data_samples or ())],
    )


def _cat(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat([one, other])
