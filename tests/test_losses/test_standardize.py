import torch

from mmreviewkd.losses import standardize


def test_by_hand():
    """Each channel over the batch and all positions."""
    feat = torch.tensor(
        [[[[1.0, 3.0]], [[10.0, 10.0]]], [[[1.0, 3.0]], [[30.0, 30.0]]]]
    )
    out = standardize(feat, eps=0.0)
    assert out[:, 0].tolist() == [[[-1.0, 1.0]]] * 2
    assert out[:, 1].tolist() == [[[-1.0, -1.0]], [[1.0, 1.0]]]


def test_offset_and_scale_of_a_channel_do_not_matter():
    feat = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    scale = torch.tensor([0.5, 3.0, 100.0], dtype=torch.float64).view(1, 3, 1, 1)
    once, twice = standardize(feat, eps=0.0), standardize(feat * scale + 7, eps=0.0)
    torch.testing.assert_close(once, twice)


def test_constant_channel_is_zero():
    """A channel that never varies asks for zeros, not for infinities."""
    assert not standardize(torch.full((2, 1, 8, 8), 5.0)).any()


def test_half_precision_is_computed_in_float32():
    """The squares of these values overflow in float16."""
    feat = torch.tensor([-300.0, 300.0], dtype=torch.float16).view(1, 1, 1, 2)
    out = standardize(feat)
    assert out.dtype == torch.float32
    assert out.flatten().tolist() == [-1.0, 1.0]
