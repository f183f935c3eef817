import pytest
import torch

from mmreviewkd.connectors import ReverseReviewConnector, ReviewConnector
from mmreviewkd.losses import HCLLoss


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
    own, review = 2 * bn, 6 * bn
    fused = own * sigmoid(own) + review * sigmoid(-review)

    out_fine, out_coarse = connector(feats)

    # Nine taps inside, four at a corner: the 3x3 convolution pads with zeros.
    assert out_coarse[0, 0, 0, 0].item() == pytest.approx(4 * review * bn)
    assert out_fine[0, 0, 1, 1].item() == pytest.approx(9 * fused * bn)
    assert out_fine[0, 0, 0, 0].item() == pytest.approx(4 * fused * bn)


def sigmoid(x):
    return torch.tensor(x, dtype=torch.float64).sigmoid().item()


@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_matches_the_reference_implementation(golden, mode):
    """Outputs, HCL and gradients of the published code, in float64."""
    values = golden(f'review_{mode}.npz')
    count = sum(name.startswith('student') for name in values)
    feats = [values[f'student{i}'].requires_grad_() for i in range(count)]
    targets = [values[f'teacher{i}'] for i in range(count)]
    connector = ReviewConnector(
        [feat.shape[1] for feat in feats],
        [target.shape[1] for target in targets],
        mid_channels=values['level0.conv1.weight'].shape[0],
    ).double()
    load_reference(connector, values)
    connector.train(mode == 'train')
    loss = HCLLoss()

    outs = connector(feats)
    total = loss(outs, targets)
    total.backward()

    for i, (out, target) in enumerate(zip(outs, targets, strict=True)):
        assert_close(out, values[f'out{i}'])
        assert_close(loss.level_loss(out, target), values[f'hcl{i}'])
        assert_close(feats[i].grad, values[f'grad_student{i}'])
        level = connector.levels[i]
        assert_close(
            level.project.conv.weight.grad, values[f'grad.level{i}.conv1.weight']
        )
        assert_close(
            level.output.conv.weight.grad, values[f'grad.level{i}.conv2.weight']
        )
        if i < count - 1:
            assert_close(
                level.attention.weight.grad, values[f'grad.level{i}.attention.weight']
            )
    assert_close(total, values['hcl_sum'])


def load_reference(connector, values):
    """Copy the reference's weights into ours."""
    names = {'conv1': 'project.conv', 'bn1': 'project.bn', 'attention': 'attention'}
    names |= {'conv2': 'output.conv', 'bn2': 'output.bn'}
    state = {
        f'levels.{name.split(".")[0][5:]}.{names[name.split(".")[1]]}.'
        f'{name.split(".")[2]}': value
        for name, value in values.items()
        if name.startswith('level')
    }
    missing, unexpected = connector.load_state_dict(state, strict=False)
    assert not unexpected
    assert all('num_batches_tracked' in name for name in missing)


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


def test_initialisation_is_kaiming_uniform_without_conv_bias():
    connector = ReviewConnector([16, 16], [16, 16], mid_channels=32)
    connector.init_weights()
    for level in connector.levels:
        assert level.project.conv.bias is None
        assert level.output.conv.bias is None
        for conv in (level.project.conv, level.output.conv):
            fan_in = conv.weight[0].numel()
            bound = (3 / fan_in) ** 0.5
            assert conv.weight.abs().max() <= bound
            assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.15)


def test_norm_layer_is_configurable():
    connector = ReviewConnector(
        [4, 4], [4, 4], mid_channels=8, norm_cfg=dict(type='GN', num_groups=2)
    )
    norms = [m for m in connector.modules() if 'Norm' in type(m).__name__]
    assert {type(norm) for norm in norms} == {torch.nn.GroupNorm}
    assert len(norms) == 4


def test_a_step_counts_its_batch_once():
    """Though what goes into the review is computed again for its gradient."""
    connector = ReviewConnector([2, 2], [3, 3])
    feats = [torch.randn(2, 2, size, size, requires_grad=True) for size in (8, 4)]
    sum(out.sum() for out in connector(feats)).backward()
    for level, feat in zip(connector.levels, feats, strict=True):
        norm = level.project.norm
        assert norm.num_batches_tracked == 1
        mean = level.project.conv(feat).mean((0, 2, 3))
        torch.testing.assert_close(norm.running_mean, 0.1 * mean)


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
