"""Ways of learning from the teacher."""

from .crd import CRD
from .distillation import Distillation, Step
from .feature_distillation import FeatureDistillation
from .fgd import FGD
from .fgfi import FGFI
from .logit_distillation import LogitDistillation
from .object_distillation import ObjectDistillation
from .roi_feature_distillation import RoIFeatureDistillation

__all__ = [
    'CRD',
    'FGD',
    'FGFI',
    'Distillation',
    'FeatureDistillation',
    'LogitDistillation',
    'ObjectDistillation',
    'RoIFeatureDistillation',
    'Step',
]
