"""Normalisation and augmentation of a whole batch at once."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class ImageBatchPreprocessor(ImgDataPreprocessor):
    """Normalises a batch of images of one size; in training, shifts and flips them.

    Images have the channels last in memory, which is faster on a CPU and under mixed
    precision.

    Args:
        mean (Sequence[float]): Mean of each channel, of values from 0 to 255.
        std (Sequence[float]): Standard deviation, likewise.
        max_shift (int): In training an image is padded with black by so many pixels on
            each side, and cropped at a random place. Defaults to 0.
        flip (float): Probability that an image is flipped in training, left to right.
            Defaults to 0.

    Attributes:
        channel_order (str): Order of the channels before and after: ``'rgb'``, as the
            data sets of classification give them.
    """

    channel_order = 'rgb'

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        max_shift: int = 0,
        flip: float = 0.0,
    ) -> None:
        super().__init__(mean, std)
        self.max_shift = max_shift
        self.flip = flip

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data (dict): ``inputs``, images (N, C, H, W) of values from 0 to 255, and
                ``data_samples``.
            training (bool): Whether to augment. Defaults to False.
        """
        if training:
            data = dict(data, inputs=self.augment(self.cast_data(data['inputs'])))
        data = super().forward(data, training)
        inputs = data['inputs'].contiguous(memory_format=torch.channels_last)
        return dict(data, inputs=inputs)

    def augment(self, images: Tensor) -> Tensor:
        """Shift and flip each image (N, C, H, W) by chance."""
        (count, _, height, width), device = images.shape, images.device
        pad = self.max_shift
        # Random numbers of the CPU, whatever the device, so that runs can be repeated.
        down, right = torch.randint(2 * pad + 1, (2, count, 1)).to(device)
        rows = down + torch.arange(height, device=device)
        columns = right + torch.arange(width, device=device)
        flipped = (torch.rand(count, 1) < self.flip).to(device)
        columns = torch.where(flipped, columns.flip(1), columns)
        images = F.pad(images, (pad,) * 4)
        image = torch.arange(count, device=device)[:, None, None]
        picked = images[image, :, rows[:, :, None], columns[:, None, :]]
        return picked.movedim(-1, 1)
