"""Images to measure a classifier with."""

import torch


def random_batch(count: int, size: tuple[int, int]) -> dict:
    """Make random images (N, 3, H, W) of the class 0, as a data loader returns them.

    Args:
        count (int): Number of images.
        size (tuple[int, int]): Height and width.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(
        256, (count, 3, *size), dtype=torch.uint8, generator=generator
    )
    return dict(inputs=images, data_samples=torch.zeros(count, dtype=torch.long))
