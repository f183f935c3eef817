import numpy as np
import pytest
import torch

from mmreviewkd.losses import SPLoss


def test_two_images_by_hand():
    """Alike for the teacher, orthogonal for the student."""
    pred = torch.tensor([[1.0, 0.0], [0.0, 3.0]]).view(2, 2, 1, 1)
    target = torch.tensor([2.0, 2.0]).view(2, 1, 1, 1)
    # Rows (1, 0) and (0, 1) against (1, 1) / sqrt(2), twice.
    expected = 2 * ((1 - 0.5**0.5) ** 2 + 0.5) / 4
    assert SPLoss()([pred], [target]).item() == pytest.approx(expected)


def test_definition():
    """Rows of the products of all images, divided by their Euclidean norms."""
    torch.manual_seed(0)
    pred = torch.randn(3, 4, 5, 6, dtype=torch.float64)
    target = torch.randn(3, 7, 5, 6, dtype=torch.float64)

    def rows(feat):
        flat = feat.numpy().reshape(3, -1)
        products = flat @ flat.T
        return products / np.linalg.norm(products, axis=1, keepdims=True)

    expected = np.sum((rows(pred) - rows(target)) ** 2) / 3**2
    assert SPLoss()([pred], [target]).item() == pytest.approx(expected)
