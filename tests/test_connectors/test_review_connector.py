import numpy as np
import pytest
import torch
from golden_review import golden_connector, golden_maps
from plain_review import plain_hcl, plain_review

from mmreviewkd.connectors import ReverseReviewConnector, ReviewConnector
from mmreviewkd.losses import HCLLoss


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


def maps(channels, sizes, images=2, seed=0):
    rng = np.random.default_rng(seed)
    return [
        torch.from_numpy(rng.standard_normal((images, count, *size)))
        for count, size in zip(channels, sizes, strict=True)
    ]


def square(*sides):
    return [(side, side) for side in sides]


# By hand


def test_abf_of_one_level_by_hand():
    """Constant maps and weights: every number can be followed on paper."""
    connector = ReviewConnector([1, 1], [1, 1], mid_channels=1).eval().double()
    fine, coarse = connector.levels
    for level in connector.levels:
        level.project.conv.weight.data.fill_(2.0)
        level.output.conv.weight.data.fill_(1.0)
    fine.attention.weight.data[:] = torch.tensor([[1.0, 0.0], [0.0, -1.0]])[
        ..., None, None
    ]
    fine.attention.bias.data.zero_()
    feats = [
        torch.full((1, 1, 4, 4), 1.0, dtype=torch.float64),
        torch.full((1, 1, 2, 2), 3.0, dtype=torch.float64),
    ]
    bn = (1 + 1e-5) ** -0.5  # evaluation mode, fresh statistics
    own, residual = 2 * bn, 6 * bn
    fused = own * sigmoid(own) + residual * sigmoid(-residual)

    out_fine, out_coarse = connector(feats)

    # Nine taps inside, four at a corner: the 3x3 convolution pads with zeros.
    assert out_coarse[0, 0, 0, 0].item() == pytest.approx(4 * residual * bn)
    assert out_fine[0, 0, 1, 1].item() == pytest.approx(9 * fused * bn)
    assert out_fine[0, 0, 0, 0].item() == pytest.approx(4 * fused * bn)


def sigmoid(x):
    return torch.tensor(x, dtype=torch.float64).sigmoid().item()


# Against the reference implementation


@pytest.mark.parametrize('mode', ['train', 'eval'])
@pytest.mark.parametrize('with_cp', [False, True])
def test_matches_the_reference_implementation(golden, mode, with_cp):
    """Outputs, HCL and gradients of the published code, in float64."""
    values = golden(f'review_{mode}.npz')
    feats, targets = golden_maps(values)
    connector, names = golden_connector(values, with_cp=with_cp)
    connector.train(mode == 'train')
    loss = HCLLoss()

    outs = connector(feats)
    total = loss(outs, targets)
    total.backward()

    for i, (out, target) in enumerate(zip(outs, targets, strict=True)):
        assert_close(out, values[f'out{i}'])
        assert_close(loss.level_loss(out, target), values[f'hcl{i}'])
        assert_close(feats[i].grad, values[f'grad_student{i}'])
    compared = [name for name in values if name.startswith('grad.')]
    assert len(compared) == 2 * len(feats) + (len(feats) - 1)
    for name in compared:
        ours = names[name.removeprefix('grad.')]
        assert_close(connector.get_parameter(ours).grad, values[name])
    assert_close(total, values['hcl_sum'])


# Against plain loops

CIFAR = [16, 32, 64, 64], [64, 128, 256, 256]
SMALL = [2, 3, 4, 4], [3, 4, 5, 5]
CASES = {
    'cifar': (*CIFAR, 64, square(32, 16, 8, 1), square(32, 16, 8, 1)),
    'small': (*SMALL, 4, square(8, 4, 2, 1), square(8, 4, 2, 1)),
    'teacher larger': (*SMALL, 4, square(4, 2, 2, 1), square(8, 4, 4, 1)),
    'teacher smaller': (*SMALL, 4, square(8, 6, 4, 2), square(4, 3, 2, 1)),
    'not square': (*SMALL, 4, [(6, 4), (3, 2), (2, 1), (1, 1)], square(6, 6, 3, 1)),
}


@pytest.mark.parametrize('mode', ['train', 'eval'])
@pytest.mark.parametrize('case', CASES.values(), ids=CASES)
def test_matches_plain_loops(case, mode):
    """The formulas, pixel by pixel, with a level of one pixel and other sizes."""
    in_channels, out_channels, mid_channels, sizes, teacher_sizes = case
    torch.manual_seed(0)
    connector = ReviewConnector(in_channels, out_channels, mid_channels).double()
    unlike_fresh(connector)
    state = {
        name: value.numpy().copy() for name, value in connector.state_dict().items()
    }
    feats = maps(in_channels, sizes)
    targets = maps(out_channels, teacher_sizes, seed=1)
    connector.train(mode == 'train')

    with torch.no_grad():
        outs = connector(feats, teacher_sizes)
        loss = HCLLoss()(outs, targets)

    expected = plain_review(
        state, [feat.numpy() for feat in feats], teacher_sizes, mode == 'train'
    )
    for out, values in zip(outs, expected, strict=True):
        assert_close(out, torch.from_numpy(values))
    assert loss.item() == pytest.approx(
        sum(plain_hcl(o, t.numpy()) for o, t in zip(expected, targets, strict=True)),
        rel=1e-9,
    )


def unlike_fresh(connector):
    """Weights and statistics of norm layers that show where they are left out."""
    for module in connector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.1, 0.1)


@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_gradients_where_sizes_differ(mode):
    torch.manual_seed(0)
    connector = ReviewConnector([2, 3], [3, 2], mid_channels=2).double()
    connector.train(mode == 'train')
    targets = maps([3, 2], square(4, 2), seed=1)
    loss = HCLLoss()
    feats = [feat.requires_grad_() for feat in maps([2, 3], square(2, 1))]
    assert torch.autograd.gradcheck(
        lambda *feats: loss(connector(feats, square(4, 2)), targets), feats
    )


def test_one_image_with_a_level_of_one_pixel_trains():
    connector = ReviewConnector([2, 2], [3, 3])
    feats = [torch.randn(1, 2, side, side, requires_grad=True) for side in (4, 1)]
    sum(out.square().sum() for out in connector(feats)).backward()
    assert all(feat.grad.isfinite().all() for feat in feats)


# What can be configured


def test_names_in_the_state_dict():
    """Checkpoints of earlier versions are read by these names."""

    def norm(name):
        statistics = 'running_mean', 'running_var', 'num_batches_tracked'
        return {f'{name}.{part}' for part in ('weight', 'bias', *statistics)}

    state = ReviewConnector([2, 3], [4, 5], mid_channels=6).state_dict()
    every = {'project.conv.weight', *norm('project.bn')}
    every |= {'output.conv.weight', *norm('output.bn')}
    assert {*state} == {
        *(f'levels.{level}.{name}' for level in (0, 1) for name in every),
        'levels.0.attention.weight',
        'levels.0.attention.bias',
    }
    assert state['levels.1.project.conv.weight'].shape == (6, 3, 1, 1)
    assert state['levels.0.attention.weight'].shape == (2, 12, 1, 1)
    assert state['levels.1.output.conv.weight'].shape == (5, 6, 3, 3)


def test_initialisation_is_kaiming_uniform_without_conv_bias():
    torch.manual_seed(0)
    connector = ReviewConnector([16, 16], [16, 16], mid_channels=32)
    for level in connector.levels:
        assert level.project.conv.bias is None
        assert level.output.conv.bias is None
        for conv in (level.project.conv, level.output.conv):
            fan_in = conv.weight[0].numel()
            bound = (3 / fan_in) ** 0.5
            assert conv.weight.abs().max() <= bound
            assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.15)
    assert not connector.levels[0].attention.bias.any()


def test_channels_of_the_residual_are_the_teachers_most():
    connector = ReviewConnector([2, 2], [3, 5])
    assert {level.project.conv.out_channels for level in connector.levels} == {5}


def test_norm_layer_is_configurable():
    connector = ReviewConnector(
        [4, 4], [4, 4], mid_channels=8, norm_cfg=dict(type='GN', num_groups=2)
    )
    norms = [m for m in connector.modules() if 'Norm2d' in type(m).__name__]
    assert not norms
    assert isinstance(connector.levels[0].project.gn, torch.nn.GroupNorm)
    assert isinstance(connector.levels[1].output.gn, torch.nn.GroupNorm)


def test_without_norm_layers():
    connector = ReviewConnector([4, 4], [4, 4], mid_channels=8, norm_cfg=None)
    names = {'project.conv.weight', 'output.conv.weight'}
    assert {*connector.levels[1].state_dict()} == names


def test_fusion_may_be_a_class():
    class Own(torch.nn.Module):
        def __init__(self, in_channels, factor, with_residual, **_):
            super().__init__()
            self.factor = factor if with_residual else 1

        def forward(self, feat, residual, size):
            return self.factor * feat, feat

    connector = ReviewConnector([1, 1], [1, 1], fusion=dict(type=Own, factor=3))
    outs = connector([torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1)])
    assert [out.mean().item() for out in outs] == [3, 1]


@pytest.mark.parametrize('fusion', [dict(type='ABC'), dict(), dict(type=int)])
def test_unknown_fusion_is_named(fusion):
    with pytest.raises(
        ValueError, match='fusion.type is .* one of ABF, AdditiveFusion'
    ):
        ReviewConnector([4], [4], fusion=fusion)


@pytest.mark.parametrize(('with_cp', 'seen'), [(False, 1), (True, 2)])
def test_batches_that_the_running_statistics_see(with_cp, seen):
    """As documented: twice where levels are computed again for the gradient."""
    connector = ReviewConnector([2, 2], [3, 3], with_cp=with_cp)
    feats = [torch.randn(2, 2, size, size, requires_grad=True) for size in (8, 4)]
    sum(out.sum() for out in connector(feats)).backward()
    for level in connector.levels:
        for norm in (level.project.bn, level.output.bn):
            assert norm.num_batches_tracked == seen


def test_checkpointing_keeps_less_for_the_gradient():
    def kept(with_cp):
        torch.manual_seed(0)
        connector = ReviewConnector([4, 4], [4, 4], with_cp=with_cp)
        feats = [torch.randn(2, 4, side, side, requires_grad=True) for side in (8, 4)]
        sizes = []

        def note(tensor):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            connector(feats)
        return sum(sizes)

    assert kept(True) < kept(False) / 2


@pytest.mark.parametrize('with_cp', [False, True])
def test_compiles_without_a_break(with_cp):
    torch.manual_seed(0)
    connector = ReviewConnector([2, 3], [4, 5], mid_channels=4, with_cp=with_cp).eval()
    feats = [feat.float().requires_grad_() for feat in maps([2, 3], square(8, 1))]
    targets = [feat.float() for feat in maps([4, 5], square(8, 2), seed=1)]
    loss = HCLLoss()

    def distance(feats):
        return loss(connector(feats, square(8, 2)), targets)

    results = []
    for run in (distance, torch.compile(distance, backend='eager', fullgraph=True)):
        value = run(feats)
        results.append([value, *torch.autograd.grad(value, feats)])
    for compiled, eager in zip(*results, strict=True):
        torch.testing.assert_close(compiled, eager)


def test_reverse_goes_from_fine_to_coarse():
    """A level's output depends on itself and on all finer levels alone."""
    torch.manual_seed(0)
    connector = ReverseReviewConnector([4] * 3, [4] * 3, mid_channels=8).eval()
    assert [level.attention is None for level in connector.levels] == [True] + 2 * [
        False
    ]
    feats = [torch.rand(1, 4, size, size, requires_grad=True) for size in (8, 4, 2)]
    for level, out in enumerate(connector(feats)):
        assert out.shape == feats[level].shape
        grads = torch.autograd.grad(
            out.sum(), feats, retain_graph=True, allow_unused=True
        )
        assert [grad is not None and grad.any().item() for grad in grads] == [
            other <= level for other in range(3)
        ]
