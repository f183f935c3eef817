"""Methods: ways of learning from a teacher's features."""

from .distillation import Batch, Distillation
from .feature_distillation import FeatureDistillation

__all__ = ['Batch', 'Distillation', 'FeatureDistillation']
