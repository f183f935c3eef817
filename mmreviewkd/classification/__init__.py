"""Image classifiers, as students and as teachers, with MMEngine alone."""

from . import backbones, datasets
from .accuracy import TopKAccuracy
from .image_classifier import ImageClassifier
from .optim_wrapper import BFloat16OptimWrapper
from .preprocessor import ImageBatchPreprocessor

__all__ = [
    'BFloat16OptimWrapper',
    'ImageBatchPreprocessor',
    'ImageClassifier',
    'TopKAccuracy',
    'backbones',
    'datasets',
]
