import pytest
import torch

from mmreviewkd.connectors import ConvConnector

SIZES = ((8, 12), (4, 6), (2, 3))


@pytest.fixture
def feats():
    torch.manual_seed(0)
    return [
        torch.rand(2, channels, *size, dtype=torch.float64)
        for channels, size in zip((2, 3, 4), SIZES, strict=True)
    ]


@pytest.mark.parametrize(
    'pairs, expected',
    [
        ('same', [(0, 0), (1, 1), (2, 2)]),
        ('finer', [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]),
        ('coarser', [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]),
        ([[2, 0], [0, 2]], [(2, 0), (0, 2)]),
    ],
)
def test_maps_of_each_pair(feats, pairs, expected):
    """Of the teacher level's size and channels, from the student's level alone."""
    connector = ConvConnector([2, 3, 4], [5, 6, 7], pairs=pairs).double()
    outs = connector([feat.requires_grad_() for feat in feats])
    assert list(connector.target_levels) == [teacher for _, teacher in expected]
    for out, (student, teacher) in zip(outs, expected, strict=True):
        assert out.shape == (2, (5, 6, 7)[teacher], *SIZES[teacher])
        grads = torch.autograd.grad(
            out.square().sum(), feats, retain_graph=True, allow_unused=True
        )
        assert [grad is not None for grad in grads] == [
            level == student for level in range(3)
        ]


@pytest.mark.parametrize('pair', [(2, 0), (1, 1), (0, 2)])
def test_convolution_then_nearest_pixel(feats, pair):
    """Written out pixel by pixel, in whichever order it is computed."""
    student, teacher = pair
    connector = ConvConnector([2, 3, 4], [5] * 3, pairs=[pair], norm_cfg=None).double()
    (out,) = connector(feats)
    conv = connector.transforms[0].conv
    step = SIZES[student][0] / SIZES[teacher][0]
    for y, x in ((0, 0), (1, 2), (SIZES[teacher][0] - 1, SIZES[teacher][1] - 1)):
        pixel = feats[student][1, :, int(y * step), int(x * step)]
        expected = conv.weight[:, :, 0, 0] @ pixel + conv.bias
        torch.testing.assert_close(out[1, :, y, x], expected)


def test_norm_layer_follows_the_convolution(feats):
    connector = ConvConnector([2, 3, 4], [5] * 3, pairs='finer').double()
    for out in connector(feats):
        var, mean = torch.var_mean(out, (0, 2, 3), correction=0)
        torch.testing.assert_close(mean, torch.zeros_like(mean))
        torch.testing.assert_close(var, torch.ones_like(var), rtol=1e-2, atol=0)


def test_initialisation_is_the_reviews():
    connector = ConvConnector([64], [128])
    (transform,) = connector.transforms
    bound = (3 / 64) ** 0.5
    assert transform.conv.weight.abs().max() <= bound
    assert transform.conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)


@pytest.mark.parametrize('pairs', ('all', [], [(0, 3)], [(-1, 0)]))
def test_wrong_pairs_are_named(pairs):
    with pytest.raises(ValueError, match='connector.pairs is .*but has to'):
        ConvConnector([4] * 3, [4] * 3, pairs=pairs)
