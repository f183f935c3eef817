import numpy as np
import pytest
import torch

from mmreviewkd.losses import PKDLoss


def test_is_one_minus_pearsons_correlation():
    """NumPy's correlation of each channel, over images and positions."""
    torch.manual_seed(0)
    pred, target = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64)
    expected = np.mean(
        [
            1 - np.corrcoef(pred[:, c].ravel(), target[:, c].ravel())[0, 1]
            for c in range(3)
        ]
    )
    # The variance's floor, 1e-5, makes the difference.
    assert PKDLoss()([pred], [target]).item() == pytest.approx(expected, rel=1e-4)


def test_scale_and_offset_do_not_matter():
    torch.manual_seed(0)
    target = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    loss = PKDLoss()
    assert loss([3 * target + 7], [target]).item() == pytest.approx(0, abs=1e-8)
    assert loss([-target], [target]).item() == pytest.approx(2, rel=1e-4)
