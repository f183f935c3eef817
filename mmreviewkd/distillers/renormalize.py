"""From one detector's normalisation of images to another's."""

import torch
from mmdet.structures import SampleList
from mmengine.model import ImgDataPreprocessor
from torch import Tensor, nn


class Renormalize(nn.Module):
    """Changes images from one detector's normalisation to another's.

    The two are compared once, here: on a GPU that waits for the device.

    Args:
        source (ImgDataPreprocessor): Has normalised the images.
        target (ImgDataPreprocessor): Says how they are wanted: mean, standard
            deviation, channel order, padding.
    """

    def __init__(
        self, source: ImgDataPreprocessor, target: ImgDataPreprocessor
    ) -> None:
        super().__init__()
        mean_s, std_s = _normalization(source)
        mean_t, std_t = _normalization(target)
        self.pad_value = target.pad_value
        self.swap = source._channel_conversion != target._channel_conversion
        self.equal = (
            not self.swap
            and torch.equal(mean_s, mean_t)
            and torch.equal(std_s, std_t)
            and source.pad_value == target.pad_value
        )
        if self.swap:
            mean_s, std_s = mean_s.flip(0), std_s.flip(0)
        self.register_buffer('scale', std_s / std_t, persistent=False)
        self.register_buffer('shift', (mean_s - mean_t) / std_t, persistent=False)

    def forward(self, images: Tensor, data_samples: SampleList) -> Tensor:
        """Change a batch.

        Args:
            images (Tensor): Normalised and padded images (N, C, H, W).
            data_samples (list[:obj:`DetDataSample`]): Their ``img_shape`` tells
                image from padding.

        Returns:
            Tensor: The images as ``target`` would have normalised and padded them;
            the very input where the two agree.
        """
        if self.equal:
            return images
        if self.swap:
            images = images.flip(1)
        images = images * self.scale + self.shift
        for image, sample in zip(images, data_samples, strict=True):
            height, width = sample.img_shape[:2]
            image[:, height:] = self.pad_value
            image[:, :, width:] = self.pad_value
        return images


def _normalization(preprocessor: ImgDataPreprocessor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C or 1, 1, 1), on CPU."""
    if not isinstance(preprocessor, ImgDataPreprocessor):
        raise TypeError(
            'distillation needs data preprocessors of the kind of '
            'DetDataPreprocessor for teacher and student, got '
            f'{type(preprocessor).__name__}'
        )
    if not preprocessor._enable_normalize:
        return torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    mean, std = preprocessor.mean.cpu(), preprocessor.std.cpu()
    return torch.broadcast_tensors(mean, std)
