"""Small classifiers and data for the tests."""

import numpy as np
import pytest


@pytest.fixture
def cifar(tmp_path):
    """A folder with a CIFAR-100 of four classes, whose colours tell them apart."""
    folder = tmp_path / 'cifar100'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, count in dict(train=16, test=4).items():
        labels = np.repeat(np.arange(4), count)
        noise = rng.integers(0, 64, (len(labels), 32, 32, 3))
        images = noise + 48 * labels[:, None, None, None]
        np.savez(
            folder / f'{name}.npz',
            images=images.astype(np.uint8),
            labels=labels.astype(np.uint8),
            classes=np.array(['black', 'dark', 'light', 'white']),
        )
    return folder
