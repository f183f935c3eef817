import pytest
import torch

from mmreviewkd.connectors import MaskedGenerationConnector


def test_hidden_pixels():
    torch.manual_seed(0)
    feat = torch.rand(2, 4, 100, 100) + 1
    connector = MaskedGenerationConnector([4], [4], mask_ratio=0.7)
    seen = []
    connector.generation[0].register_forward_pre_hook(
        lambda _, args: seen.append(args[0])
    )
    (out,) = connector([feat])
    (masked,) = seen
    assert out.shape == feat.shape
    hidden = masked == 0
    # In all channels alike; what is seen is as it was.
    assert torch.equal(hidden.any(1), hidden.all(1))
    assert torch.equal(masked[~hidden], feat[~hidden])
    assert hidden.float().mean().item() == pytest.approx(0.7, abs=0.03)
    # Each image has a mask of its own.
    assert not torch.equal(hidden[0], hidden[1])


def test_nothing_hidden():
    """Then it is two convolutions with a ReLU between them."""
    torch.manual_seed(0)
    feat = torch.rand(1, 2, 5, 5)
    connector = MaskedGenerationConnector([2], [2], mask_ratio=0.0)
    first, _, second = connector.generation[0]
    (out,) = connector([feat])
    torch.testing.assert_close(out, second(first(feat).relu()))


def test_other_channels_are_aligned_first():
    connector = MaskedGenerationConnector([2], [6])
    (out,) = connector([torch.rand(1, 2, 5, 5)])
    assert out.shape == (1, 6, 5, 5)
