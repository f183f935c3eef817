"""What all connectors have in common."""

import pytest
import torch

from mmreviewkd.connectors import (
    AlignConnector,
    ConvConnector,
    IdentityConnector,
    MaskedGenerationConnector,
    ReverseReviewConnector,
    ReviewConnector,
)

CONNECTORS = [
    AlignConnector,
    ConvConnector,
    MaskedGenerationConnector,
    ReverseReviewConnector,
    ReviewConnector,
]


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


@pytest.mark.parametrize('connector', CONNECTORS)
@pytest.mark.parametrize('sizes', [None, [(16, 12), (4, 6), (1, 1)]])
def test_maps_have_the_teachers_sizes_and_channels(connector, sizes):
    feats = [torch.rand(2, 4, side, side) for side in (8, 4, 1)]
    outs = connector([4, 4, 4], [4, 5, 6])(feats, sizes)
    expected = sizes or [(8, 8), (4, 4), (1, 1)]
    assert [tuple(out.shape) for out in outs] == [
        (2, channels, *size) for channels, size in zip((4, 5, 6), expected, strict=True)
    ]


def test_other_sizes_are_made_of_nearest_pixels():
    feat = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2)
    (out,) = IdentityConnector([1], [1])([feat], [(4, 2)])
    assert out[0, 0].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    (out,) = IdentityConnector([1], [1])([feat], [(1, 1)])
    assert out[0, 0].tolist() == [[1]]


def test_sizes_are_those_of_the_target_levels():
    """Pairs of levels: each map has the size of the teacher's level of its pair."""
    connector = ConvConnector([1, 1], [1, 1], pairs=[(1, 0), (0, 1)])
    feats = [torch.rand(2, 1, side, side) for side in (4, 2)]
    outs = connector(feats, [(8, 8), (4, 4)])
    assert [out.shape[-1] for out in outs] == [8, 4]


def test_wrong_number_of_sizes():
    with pytest.raises(ValueError, match='levels, but got 2 for 1'):
        IdentityConnector([4], [4])([torch.rand(2, 4, 8, 8)], [(8, 8), (4, 4)])


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
