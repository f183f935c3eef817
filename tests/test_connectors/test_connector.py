"""What all connectors have in common."""

import pytest
import torch

from mmreviewkd.connectors import AlignConnector, IdentityConnector


def test_wrong_levels_are_named():
    connector = IdentityConnector([4, 4, 4], [4, 4, 4])
    maps = [torch.rand(2, 4, size, size) for size in (8, 4)]
    with pytest.raises(ValueError, match=r'expects 3 student levels, got 2.*8, 8'):
        connector(maps)


def test_wrong_channels_are_named():
    connector = IdentityConnector([4, 4], [4, 4])
    maps = [torch.rand(2, 4, 8, 8), torch.rand(2, 6, 4, 4)]
    with pytest.raises(
        ValueError, match=r'\(N, 4, H, W\) at level 1, got \(2, 6, 4, 4\)'
    ):
        connector(maps)


def test_unequal_channel_lists_are_refused():
    with pytest.raises(ValueError, match=r'\[4, 4\] and \[4\]'):
        IdentityConnector([4, 4], [4])


def test_identity_hands_on_the_maps():
    maps = [torch.rand(2, 4, 8, 8), torch.rand(2, 4, 4, 4)]
    outs = IdentityConnector([4, 4], [16, 16])(maps)
    assert all(out is feat for out, feat in zip(outs, maps, strict=True))


def test_align_touches_only_other_channels():
    connector = AlignConnector([4, 4], [4, 6])
    maps = [torch.rand(2, 4, 8, 8), torch.rand(2, 4, 4, 4)]
    same, other = connector(maps)
    assert same is maps[0]
    assert other.shape == (2, 6, 4, 4)
    assert {name for name, _ in connector.named_parameters()} == {
        'align.1.weight',
        'align.1.bias',
    }
