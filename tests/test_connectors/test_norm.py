import pytest
import torch
from torch import nn

from mmreviewkd.connectors import ReviewConnector, build_norm
from mmreviewkd.connectors.norm import BatchNorm


class Scale(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.num_features = channels


@pytest.mark.parametrize(
    ('cfg', 'name', 'layer'),
    [
        (dict(type='BN'), 'bn', nn.BatchNorm2d),
        (dict(type='SyncBN'), 'bn', nn.SyncBatchNorm),
        (dict(type='GN', num_groups=2), 'gn', nn.GroupNorm),
        (dict(type='IN'), 'in', nn.InstanceNorm2d),
        (dict(type=nn.BatchNorm2d), 'bn', nn.BatchNorm2d),
        (dict(type=nn.GroupNorm, num_groups=2), 'gn', nn.GroupNorm),
        (dict(type=Scale), 'norm', Scale),
    ],
)
def test_layers_and_their_names(cfg, name, layer):
    found, norm = build_norm(cfg, 4)
    assert found == name
    assert isinstance(norm, layer)
    assert getattr(norm, 'num_features', getattr(norm, 'num_channels', None)) == 4
    connector = ReviewConnector([4, 4], [4, 4], norm_cfg=cfg)
    assert isinstance(getattr(connector.levels[0].output, name), layer)


def test_other_keys_are_the_layers():
    _, norm = build_norm(dict(type='BN', eps=0.5, momentum=0.25, affine=False), 4)
    assert (norm.eps, norm.momentum, norm.affine) == (0.5, 0.25, False)


def test_parameters_can_be_frozen():
    cfg = dict(type='GN', num_groups=2)
    for requires_grad in (True, False):
        _, norm = build_norm(dict(cfg, requires_grad=requires_grad), 4)
        assert {p.requires_grad for p in norm.parameters()} == {requires_grad}
    assert all(p.requires_grad for p in build_norm(cfg, 4)[1].parameters())


def test_config_is_left_as_it_is():
    cfg = dict(type='BN', requires_grad=False)
    build_norm(cfg, 4)
    assert cfg == dict(type='BN', requires_grad=False)


@pytest.mark.parametrize('cfg', [dict(type='LN'), dict(eps=1.0), dict(type=int)])
def test_unknown_type_is_named(cfg):
    with pytest.raises(ValueError, match='norm_cfg.type is .* BN, SyncBN, GN, IN'):
        build_norm(cfg, 4)


@pytest.mark.parametrize('with_cp', [False, True])
def test_without_running_statistics(with_cp):
    norm_cfg = dict(type='BN', track_running_stats=False)
    connector = ReviewConnector([2, 2], [3, 3], norm_cfg=norm_cfg, with_cp=with_cp)
    feats = [torch.randn(2, 2, side, side, requires_grad=True) for side in (8, 4)]
    outs = connector(feats)
    sum(out.square().sum() for out in outs).backward()
    assert not any('running' in name for name in connector.state_dict())
    connector.eval()
    for out, other in zip(outs, connector(feats), strict=True):
        torch.testing.assert_close(out, other)


def test_one_value_per_channel_takes_the_running_statistics():
    norm = BatchNorm(2)
    norm.running_mean[:] = torch.tensor([1.0, -2.0])
    norm.running_var[:] = torch.tensor([4.0, 9.0])
    state = {name: value.clone() for name, value in norm.state_dict().items()}
    out = norm(torch.tensor([5.0, 1.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(out.flatten(), torch.tensor([2.0, 1.0]))
    for name, value in norm.state_dict().items():
        assert torch.equal(value, state[name])


def test_two_values_per_channel_take_their_own_statistics():
    norm, expected = BatchNorm(2), nn.BatchNorm2d(2)
    feat = torch.randn(2, 2, 1, 1)
    torch.testing.assert_close(norm(feat), expected(feat))
    torch.testing.assert_close(norm.running_var, expected.running_var)


def test_one_value_without_running_statistics_is_an_error():
    norm = BatchNorm(2, track_running_stats=False)
    with pytest.raises(ValueError, match='more than 1 value per channel'):
        norm(torch.randn(1, 2, 1, 1))
