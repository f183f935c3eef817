"""Ways of learning from the teacher."""

from .distillation import Distillation, Step
from .feature_distillation import FeatureDistillation

__all__ = ['Distillation', 'FeatureDistillation', 'Step']
