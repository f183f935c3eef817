"""Features: where they are taken, what shape they have, which are compared."""

from .feature import Feature
from .levels import Levels, match_levels
from .measure import measure
from .pairs import FeaturePairs
from .recorder import FeatureRecorder

__all__ = [
    'Feature',
    'FeaturePairs',
    'FeatureRecorder',
    'Levels',
    'match_levels',
    'measure',
]
