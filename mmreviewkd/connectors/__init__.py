"""Connectors: from the student's maps to maps comparable with the teacher's."""

from .abf import ABF
from .additive_fusion import AdditiveFusion
from .align_connector import AlignConnector
from .connector import Connector
from .conv_connector import ConvConnector
from .identity_connector import IdentityConnector
from .masked_generation import MaskedGenerationConnector
from .norm import build_norm
from .projector import ProjectorConnector
from .review_connector import ReverseReviewConnector, ReviewConnector

__all__ = [
    'ABF',
    'AdditiveFusion',
    'AlignConnector',
    'Connector',
    'ConvConnector',
    'IdentityConnector',
    'MaskedGenerationConnector',
    'ProjectorConnector',
    'ReverseReviewConnector',
    'ReviewConnector',
    'build_norm',
]
