"""Distances between the connector's maps and the teacher's."""

from .cosine import CosineDistillLoss
from .cwd import CWDLoss
from .freekd import FreeKDLoss
from .fsp import FSPLoss
from .hcl import HCLLoss
from .kl import KLDivLoss
from .l2 import L2DistillLoss
from .levelwise import LevelwiseLoss, loss_by_level
from .ofd import OFDLoss
from .pkd import PKDLoss
from .pkt import PKTLoss
from .sp import SPLoss
from .standardize import standardize
from .torchdistill import TorchdistillLoss

__all__ = [
    'CWDLoss',
    'CosineDistillLoss',
    'FSPLoss',
    'FreeKDLoss',
    'HCLLoss',
    'KLDivLoss',
    'L2DistillLoss',
    'LevelwiseLoss',
    'OFDLoss',
    'PKDLoss',
    'PKTLoss',
    'SPLoss',
    'TorchdistillLoss',
    'loss_by_level',
    'standardize',
]
