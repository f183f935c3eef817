"""From one model's normalisation of images to another's."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

RGB, BGR = 'rgb', 'bgr'


def keep_direction(preprocessor: Any, config: Any) -> None:
    """Note on a data preprocessor that it turns RGB into BGR.

    The classes of OpenMMLab keep only that they convert, not in which direction.

    Args:
        preprocessor (nn.Module): The data preprocessor.
        config (dict, optional): The config that it is built from.
    """
    if isinstance(config, Mapping) and config.get('rgb_to_bgr'):
        preprocessor.channel_order = BGR


class Normalization(NamedTuple):
    """How a data preprocessor normalises images of 0 to 255.

    Args:
        mean (Tensor): (C, 1, 1), or (1, 1, 1) for any number of channels.
        std (Tensor): Likewise.
        order (str): The channel order of what comes out: ``'rgb'`` or ``'bgr'``.
        pad_value (float): What it pads normalised images with.
    """

    mean: Tensor
    std: Tensor
    order: str
    pad_value: float

    @classmethod
    def of(cls, preprocessor: nn.Module, who: str) -> 'Normalization':
        """Read the normalisation of a data preprocessor.

        MMEngine's, MMDetection's, MMPretrain's and MMSegmentation's are understood.
        The pipelines of OpenMMLab read BGR: what converts gives RGB, and what does
        not gives BGR. An attribute ``channel_order``, ``'rgb'`` or ``'bgr'``, of the
        preprocessor says otherwise.

        Args:
            preprocessor (nn.Module): The data preprocessor.
            who (str): ``'student'`` or ``'teacher'``, for errors.

        Raises:
            TypeError: If it is none of these.
            ValueError: If its numbers are for images of 0 to 1, or its channel order
                is another.
        """
        order = getattr(preprocessor, 'channel_order', None)
        for name in ('_channel_conversion', 'channel_conversion', 'to_rgb'):
            if order is None and hasattr(preprocessor, name):
                order = RGB if getattr(preprocessor, name) else BGR
        if order is None:
            raise TypeError(
                f"the {who}'s data preprocessor {type(preprocessor).__name__} does not "
                'tell how it normalises images; use one of the kind of '
                'ImgDataPreprocessor'
            )
        if order not in (RGB, BGR):
            raise ValueError(
                f"the {who}'s data preprocessor {type(preprocessor).__name__} has the "
                f"channel_order {order!r}, but it has to be 'rgb' or 'bgr'"
            )
        pad_value = float(getattr(preprocessor, 'pad_value', 0) or 0)
        mean, std = (getattr(preprocessor, key, None) for key in ('mean', 'std'))
        if mean is None or std is None:
            return cls(torch.zeros(1, 1, 1), torch.ones(1, 1, 1), order, pad_value)
        mean, std = torch.broadcast_tensors(mean.float().cpu(), std.float().cpu())
        identity = not mean.any() and bool((std == 1).all())
        if not identity and mean.abs().max() <= 1 and 0 < std.max() <= 1:
            raise ValueError(
                f"the {who}'s mean {mean.flatten().tolist()} and standard deviation "
                f'{std.flatten().tolist()} are those of images of 0 to 1, but images '
                'have 0 to 255 here; multiply both by 255'
            )
        return cls(mean, std, order, pad_value)


class Renormalize(nn.Module):
    """Changes images from one model's normalisation to another's.

    The two are compared once, here: on a GPU that waits for the device.

    Args:
        source (nn.Module): The data preprocessor that has normalised the images.
        target (nn.Module): The one that says how they are wanted: mean, standard
            deviation, channel order, padding.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, source: nn.Module, target: nn.Module) -> None:
        super().__init__()
        own, wanted = (
            Normalization.of(one, who)
            for one, who in ((source, 'student'), (target, 'teacher'))
        )
        self.pad_value = wanted.pad_value
        # A mean of one value serves any number of channels; only three have an order.
        self.swap = own.order != wanted.order and all(
            len(one.mean) in (1, 3) for one in (own, wanted)
        )
        self.equal = (
            not self.swap
            and own.mean.shape == wanted.mean.shape
            and torch.equal(own.mean, wanted.mean)
            and torch.equal(own.std, wanted.std)
            and own.pad_value == wanted.pad_value
        )
        mean, std = own.mean, own.std
        if self.swap:
            mean, std = mean.flip(0), std.flip(0)
        self.register_buffer('scale', std / wanted.std, persistent=False)
        self.register_buffer('shift', (mean - wanted.mean) / wanted.std, False)

    def forward(self, images: Tensor, data_samples: Sequence[Any] | None) -> Tensor:
        """Change a batch.

        Args:
            images (Tensor): Normalised and padded images (N, C, H, W).
            data_samples (Sequence, optional): Their ``img_shape`` tells image from
                padding; all is image where they do not have it.

        Returns:
            Tensor: The images as ``target`` would have normalised and padded them;
            the very input where the two agree.
        """
        if self.equal:
            return images
        if self.swap and images.shape[1] == 3:
            images = images.flip(1)
        images = images * self.scale + self.shift
        samples = () if data_samples is None else data_samples
        for image, sample in zip(images, samples, strict=False):
            # Other models than detectors may have plain labels there.
            shape = getattr(sample, 'img_shape', None)
            if shape is not None:
                height, width = shape[:2]
                image[:, height:] = self.pad_value
                image[:, :, width:] = self.pad_value
        return images
