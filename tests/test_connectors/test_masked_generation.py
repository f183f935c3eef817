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


def test_the_teachers_attention_is_hidden():
    """AMD: half of each image's positions, where the teacher's values are largest."""
    feat = torch.ones(2, 3, 2, 2)
    target = torch.tensor([[1.0, -4.0, 3.0, 0.0], [5.0, 1.0, -2.0, -6.0]])
    target = target.view(2, 1, 2, 2).repeat(1, 3, 1, 1)
    connector = MaskedGenerationConnector([3], [3], 0.5, mask='attention')
    seen = []
    connector.generation[0].register_forward_pre_hook(
        lambda _, args: seen.append(args[0])
    )
    connector([feat], targets=[target])
    (masked,) = seen
    expected = torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    assert torch.equal(masked, expected.view(2, 1, 2, 2).expand_as(masked))


def test_attention_of_another_size():
    connector = MaskedGenerationConnector([3], [3], 0.5, mask='attention')
    (out,) = connector([torch.rand(1, 3, 4, 6)], targets=[torch.rand(1, 3, 2, 3)])
    assert out.shape == (1, 3, 4, 6)


def test_attention_needs_the_teachers_maps():
    connector = MaskedGenerationConnector([3], [3], mask='attention')
    with pytest.raises(ValueError, match="looks at the teacher's maps"):
        connector([torch.rand(1, 3, 4, 4)])


def test_unknown_mask():
    with pytest.raises(ValueError, match="mask is 'best', .*'random' or 'attention'"):
        MaskedGenerationConnector([3], [3], mask='best')
