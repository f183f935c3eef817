"""Networks as maps at their stages, before or after ReLU."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmreviewkd.classification import ImageClassifier
from mmreviewkd.classification.backbones import (
    CIFARVGG,
    CIFARMobileNetV2,
    CIFARResNet,
    CIFARShuffleNetV1,
    Stages,
    TimmBackbone,
    TimmMobileNetV1,
    TorchvisionResNet,
    TorchvisionShuffleNetV2,
)


@pytest.mark.parametrize(
    'build',
    [
        lambda before: CIFARResNet(8, (4, 4, 8, 8), pre_activation=before),
        lambda before: CIFARVGG(1, pre_activation=before),
        lambda before: TorchvisionResNet('resnet18', pre_activation=before),
    ],
    ids=['CIFARResNet', 'CIFARVGG', 'TorchvisionResNet'],
)
def test_maps_before_relu_become_those_after_it(build):
    torch.manual_seed(0)
    after, before = build(False), build(True)
    before.load_state_dict(after.state_dict())
    images = torch.randn(2, 3, 32, 32)
    *maps, vector = after(images)
    *sums, same = before(images)
    assert len(sums) == len(maps) > 2
    for one, other in zip(maps, sums, strict=True):
        assert (other < 0).any()
        torch.testing.assert_close(F.relu(other), one, rtol=0, atol=0)
    # What the classifier sees is after ReLU in any case.
    torch.testing.assert_close(same, vector, rtol=0, atol=0)
    torch.testing.assert_close(vector, maps[-1].mean((2, 3)))


def test_timms_mobilenet_has_maps_before_relu():
    pytest.importorskip('timm', reason='timm is not installed')
    torch.manual_seed(0)
    model = TimmMobileNetV1(pre_activation=True)
    *maps, vector = model(torch.randn(2, 3, 64, 64))
    assert [tuple(x.shape[1:]) for x in maps] == [
        *[(128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2)]
    ]
    assert all((x < 0).any() for x in maps)
    torch.testing.assert_close(vector, F.relu(maps[-1]).mean((2, 3)))


def test_any_network_of_timm():
    pytest.importorskip('timm', reason='timm is not installed')
    *maps, vector = TimmBackbone('resnet10t', out_indices=(2, 3))(
        torch.randn(2, 3, 32, 32)
    )
    assert [tuple(x.shape) for x in maps] == [(2, 128, 4, 4), (2, 256, 2, 2)]
    torch.testing.assert_close(vector, maps[-1].mean((2, 3)))


def test_networks_of_timm_with_the_channels_last():
    """The vector is the mean over positions, and the classifier's channels fit it."""
    pytest.importorskip('timm', reason='timm is not installed')
    backbone = dict(
        type='TimmBackbone',
        model='swin_tiny_patch4_window7_224',
        embed_dim=24,
        depths=(1, 1, 1, 1),
    )
    model = ImageClassifier(backbone, num_classes=5).eval()
    assert model.head.in_features == 8 * 24
    images = torch.randn(2, 3, 64, 96)
    *maps, vector = model.backbone(images)
    assert maps[-1].shape == (2, 2, 3, 8 * 24)
    torch.testing.assert_close(vector, maps[-1].mean((1, 2)))
    assert model(images).shape == (2, 5)


def test_vision_transformer_of_timm():
    pytest.importorskip('timm', reason='timm is not installed')
    model = ImageClassifier(dict(type='TimmBackbone', model='test_vit'), num_classes=5)
    *maps, vector = model.backbone(torch.randn(2, 3, 96, 64))
    assert {tuple(x.shape) for x in maps} == {(2, 64, 6, 4)}
    torch.testing.assert_close(vector, maps[-1].mean((2, 3)))


@pytest.mark.parametrize(
    'model, shapes, millions',
    [
        # The sizes that the distillation papers have, but for the classifier.
        (lambda: CIFARResNet(32), [(64, 32), (128, 16), (256, 8), 256], 7.41),
        (lambda: CIFARResNet(8), [(64, 32), (128, 16), (256, 8), 256], 1.21),
        (CIFARShuffleNetV1, [(240, 16), (480, 8), (960, 4), 960], 0.85),
        (
            lambda: TorchvisionShuffleNetV2(small_images=True),
            [(116, 16), (232, 8), (464, 4), 1024],
            1.25,
        ),
        (CIFARMobileNetV2, [(12, 16), (16, 8), (48, 4), (160, 2), 1280], 0.68),
        (
            lambda: CIFARVGG(2),
            [(128, 16), (256, 8), (512, 4), (512, 4), 512],
            9.41,
        ),
    ],
    ids=[
        *('resnet32x4', 'resnet8x4', 'shufflenet_v1', 'shufflenet_v2'),
        *('mobilenet_v2', 'vgg13'),
    ],
)
def test_networks_for_small_images(model, shapes, millions):
    network = model().eval()
    *maps, vector = network(torch.randn(1, 3, 32, 32))
    *wanted, channels = shapes
    assert [tuple(x.shape[1:]) for x in maps] == [(c, n, n) for c, n in wanted]
    assert vector.shape == (1, channels)
    count = sum(p.numel() for p in network.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)


def test_a_copy_keeps_its_own_maps():
    """As measuring and moving averages copy models."""
    model = CIFARResNet(8, (4, 4, 8, 8), pre_activation=True)
    other = copy.deepcopy(model)
    images = torch.randn(2, 3, 8, 8)
    for one, two in zip(model(images), other(images), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    copy.deepcopy(model)  # Nothing of the graph is left in it.


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match='depth is 18, but has to be 6n'):
        CIFARResNet(18)
    with pytest.raises(ValueError, match='has no ReLU'):
        Stages(dict(only=nn.Conv2d(3, 4, 1)), ['only'], pre_activation=True)
