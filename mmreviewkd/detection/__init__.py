"""Methods that know about boxes and heads, for MMDetection's detectors."""

from .crd import CRD
from .fgd import FGD
from .fgfi import FGFI
from .logit_distillation import LogitDistillation
from .object_distillation import ObjectDistillation
from .roi_feature_distillation import RoIFeatureDistillation

__all__ = [
    'CRD',
    'FGD',
    'FGFI',
    'LogitDistillation',
    'ObjectDistillation',
    'RoIFeatureDistillation',
]
