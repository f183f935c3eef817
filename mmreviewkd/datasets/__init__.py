"""The demo's data, unlabelled images, and loading that copes with broken images."""

from .add_unlabeled import add_unlabeled, remove_unlabeled, unlabeled_pipeline
from .digits import DIGIT_NAMES, make_digits
from .mixed_batches import LabeledSampler, MixedBatchSampler
from .tolerant_loading import BrokenImagesHook, LoadImageOrSkip
from .unlabeled import UnlabeledImages, WithUnlabeled

__all__ = [
    'DIGIT_NAMES',
    'BrokenImagesHook',
    'LabeledSampler',
    'LoadImageOrSkip',
    'MixedBatchSampler',
    'UnlabeledImages',
    'WithUnlabeled',
    'add_unlabeled',
    'make_digits',
    'remove_unlabeled',
    'unlabeled_pipeline',
]
