"""Methods that know about boxes and heads, for MMDetection's detectors."""

from .bckd import BCKD
from .crd import CRD
from .crosskd import CrossKD
from .dkd import DKD
from .fgd import FGD
from .fgfi import FGFI
from .localization_distillation import LocalizationDistillation
from .logit_distillation import LogitDistillation
from .norm_direction import NormDirection
from .object_distillation import ObjectDistillation
from .query_distillation import QueryDistillation
from .roi_feature_distillation import RoIFeatureDistillation
from .weighted_distillation import WeightedFeatureDistillation

__all__ = [
    'BCKD',
    'CRD',
    'DKD',
    'FGD',
    'FGFI',
    'CrossKD',
    'LocalizationDistillation',
    'LogitDistillation',
    'NormDirection',
    'ObjectDistillation',
    'QueryDistillation',
    'RoIFeatureDistillation',
    'WeightedFeatureDistillation',
]
