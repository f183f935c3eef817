import numpy as np
import pytest
import torch

from mmreviewkd.losses import PKTLoss


def test_two_images_by_hand():
    """Orthogonal for the student, alike for the teacher."""
    pred = torch.tensor([[1.0, 0.0], [0.0, 3.0]]).view(2, 2, 1, 1)
    target = torch.tensor([2.0, 1.0]).view(2, 1, 1, 1)
    # Student: (1, 1/2) / 1.5 and its mirror image; teacher: 1/2 everywhere.
    expected = (np.log(0.5 / (2 / 3)) + np.log(0.5 / (1 / 3))) / 4
    loss = PKTLoss(grid=1)([pred], [target])
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_definition():
    """Cells of a 2x2 grid, as NumPy sees them."""
    torch.manual_seed(0)
    pred = torch.rand(3, 4, 4, 6, dtype=torch.float64)
    target = torch.rand(3, 5, 4, 6, dtype=torch.float64)

    def probabilities(feat):
        cells = feat.numpy().reshape(3, -1, 2, 2, 2, 3).mean((3, 5))
        rows = cells.transpose(0, 2, 3, 1).reshape(12, -1)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        near = (1 + rows @ rows.T) / 2
        return near / near.sum(1, keepdims=True)

    p, q = probabilities(pred), probabilities(target)
    expected = np.mean(q * np.log(q / p))
    loss = PKTLoss(grid=2)([pred], [target])
    assert loss.item() == pytest.approx(expected, rel=1e-4)
