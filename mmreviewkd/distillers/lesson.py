"""What is learned from one teacher."""

from collections.abc import Sequence
from typing import NamedTuple

from mmreviewkd.features import Feature, FeaturePairs
from mmreviewkd.methods import Distillation
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
