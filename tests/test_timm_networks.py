"""Networks of timm, told to take images of any size where they can."""

import pytest
import torch

from mmreviewkd.timm_networks import create_features

pytest.importorskip('timm', reason='timm is not installed')


@pytest.mark.parametrize('model', ['test_vit', 'test_resnet'])
@pytest.mark.parametrize('size', [(160, 160), (96, 128)])
def test_any_size(model, size):
    *_, last = create_features(model)(torch.randn(1, 3, *size))
    stride = 32 if model == 'test_resnet' else 16
    assert last.shape[2:] == (size[0] // stride, size[1] // stride)


def test_arguments_for_transformers_are_for_them_alone():
    images = torch.randn(1, 3, 160, 160)
    last_only = dict(out_indices=(-1,))
    assert len(create_features('test_vit', last_only)(images)) == 1
    assert len(create_features('test_vit', last_only, out_indices=(0, 2))(images)) == 2
    assert len(create_features('test_resnet', last_only)(images)) == 5


@pytest.mark.parametrize('model', ['test_vit', 'test_resnet'])
def test_arguments_that_a_network_does_not_have(model):
    with pytest.raises(TypeError, match="argument 'not_there'"):
        create_features(model, not_there=True)
    with pytest.raises(TypeError, match="argument 'dynamic_img_size'"):
        create_features('test_resnet', dynamic_img_size=True)
