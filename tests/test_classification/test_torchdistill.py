"""torchdistill's networks as backbones."""

import pytest
import torch
import torch.nn.functional as F

from mmreviewkd.classification.backbones import (
    TorchdistillResNet,
    TorchdistillWideResNet,
)

pytest.importorskip('torchdistill', reason='torchdistill is not installed')


@pytest.fixture(params=[False, True], ids=['evaluation', 'training'])
def training(request):
    return request.param


def test_resnet_has_maps_before_and_after_relu(training):
    torch.manual_seed(0)
    after = TorchdistillResNet(20).train(training)
    before = TorchdistillResNet(20, pre_activation=True).train(training)
    before.load_state_dict(after.state_dict())
    images = torch.randn(4, 3, 32, 32)
    shapes = [(4, 16, 32, 32), (4, 32, 16, 16), (4, 64, 8, 8), (4, 64)]
    *maps, vector = after(images)
    *sums, same = before(images)
    assert [tuple(x.shape) for x in (*sums, same)] == shapes
    for one, other in zip(maps, sums, strict=True):
        assert (other < 0).any()
        torch.testing.assert_close(F.relu(other), one, rtol=0, atol=0)
    torch.testing.assert_close(same, vector, rtol=0, atol=0)
    torch.testing.assert_close(vector, maps[-1].mean((2, 3)))


def test_wide_resnet_has_the_maps_after_the_next_norm(training):
    torch.manual_seed(0)
    model = TorchdistillWideResNet(16, 2, pre_activation=True).train(training)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
    seen = []
    for norm in (model.layer2[0].bn1, model.layer3[0].bn1, model.bn1):
        norm.register_forward_hook(lambda _, __, out: seen.append(out.clone()))
    *maps, vector = model(torch.randn(4, 3, 32, 32))
    assert len(seen) == 3  # Once each, so that statistics move once.
    for one, other in zip(maps, seen, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(vector, F.relu(seen[-1]).mean((2, 3)))


def test_wide_resnet_has_the_sums_of_its_stages():
    model = TorchdistillWideResNet(16, 1)
    raw = []
    for name in ('layer1', 'layer2', 'layer3'):
        getattr(model, name).register_forward_hook(lambda _, __, out: raw.append(out))
    *maps, _ = model(torch.randn(2, 3, 32, 32))
    assert [tuple(x.shape) for x in maps] == [
        (2, 16, 32, 32),
        (2, 32, 16, 16),
        (2, 64, 8, 8),
    ]
    for one, other in zip(maps, raw, strict=True):
        assert one is other
