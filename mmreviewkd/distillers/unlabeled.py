"""The unlabelled images of a batch: told apart, and sent through the student."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmreviewkd.features import Feature, FeatureRecorder
from mmreviewkd.features.measure import run_trunk


class Images(NamedTuple):
    """Images with what is known of each.

    Args:
        images (Tensor): The images (N, C, H, W).
        data_samples (list[:obj:`BaseDataElement`]): Their data samples.
    """

    images: Tensor
    data_samples: list[Any]


def is_unlabeled(data_sample: Any) -> bool:
    """Say whether a data sample's metainfo calls its image unlabelled."""
    return bool(getattr(data_sample, 'unlabeled', False))


def split(images: Any, data_samples: Any) -> tuple[Images, Images] | None:
    """Part a batch into its labelled and its unlabelled images.

    Args:
        images (Tensor): The images (N, C, H, W).
        data_samples (Sequence[:obj:`BaseDataElement`]): Their data samples.

    Returns:
        tuple[Images, Images], optional: The two parts, each in the batch's order; None
        where all images are labelled.

    Raises:
        ValueError: If all images are unlabelled.
    """
    if not isinstance(images, Tensor) or not isinstance(data_samples, list | tuple):
        return None
    unlabeled = [is_unlabeled(sample) for sample in data_samples]
    if not any(unlabeled):
        return None
    if all(unlabeled):
        raise ValueError(
            'none of the images of a batch is labelled, so the student has no loss of '
            'its own; use the sampler LabeledSampler with the batch sampler '
            'MixedBatchSampler, which add unlabelled images to labelled ones'
        )
    labeled, others = (
        _take(images, data_samples, [n for n, one in enumerate(unlabeled) if one is it])
        for it in (False, True)
    )
    return labeled, others


def extract_features(student: nn.Module, images: Tensor) -> None:
    """Run a student as far as its features, without heads and losses.

    Args:
        student (nn.Module): The student, with ``extract_feat`` or a backbone.
        images (Tensor): The images (N, C, H, W).

    Raises:
        TypeError: If it has neither.
    """
    extract: Any = getattr(student, 'extract_feat', None)
    if callable(extract):
        extract(images)
    elif hasattr(student, 'backbone'):
        run_trunk(student, images)
    else:
        raise TypeError(
            f'the batch has unlabelled images, but {type(student).__name__} has '
            'neither a method extract_feat(images) nor a backbone, so its features '
            'cannot be computed without annotations; add extract_feat, or leave these '
            'images out'
        )


def check_recorded(recorder: FeatureRecorder, features: Sequence[Feature]) -> None:
    """Check that :func:`extract_features` has run the modules that are compared.

    Raises:
        RuntimeError: If one of them was not called, as those of heads are not.
    """
    try:
        recorder.features(features)
    except RuntimeError as error:
        raise RuntimeError(
            'unlabelled images go through the feature extraction of the student, not '
            f'through its heads: {error}, such as the neck'
        ) from error


def _take(images: Tensor, samples: Sequence[Any], numbers: list[int]) -> Images:
    # Indexing by a list would copy the list to the device.
    return Images(
        torch.stack([images[n] for n in numbers]), [samples[n] for n in numbers]
    )
