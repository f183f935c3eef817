import pytest
import torch
import torch.nn.functional as F
import toys
from torch import nn

from mmreviewkd.features import Feature, measure
from mmreviewkd.features.measure import default_features
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.teachers import Teacher

STOCK = {
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco': ([4, 8, 16, 32, 64], [256] * 5),
    'retinanet/retinanet_r18_fpn_1x_coco': ([8, 16, 32, 64, 128], [256] * 5),
    'rtmdet/rtmdet_tiny_8xb32-300e_coco': ([8, 16, 32], [96] * 3),
    'yolox/yolox_tiny_8xb8-300e_coco': ([8, 16, 32], [96] * 3),
    'yolof/yolof_r50-c5_8xb8-1x_coco': ([32], [512]),
    'yolo/yolov3_mobilenetv2_8xb24-320-300e_coco': ([32, 16, 8], [96] * 3),
    'solov2/solov2-light_r18_fpn_ms-3x_coco': ([4, 8, 16, 32, 64], [256] * 5),
    # Neither has a neck.
    'mask2former/mask2former_r50_8xb2-lsj-50e_coco': (
        [4, 8, 16, 32],
        [256, 512, 1024, 2048],
    ),
    'faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco': ([16], [1024]),
    # Its stride is that of 300 pixels, where a map has no whole number of pixels.
    'ssd/ssd300_coco': ([8, 16, 32, 64, 64, 64], [512, 1024, 512, 256, 256, 256]),
    'pvt/retinanet_pvt-t_fpn_1x_coco': ([8, 16, 32, 64, 128], [256] * 5),
    'swin/retinanet_swin-t-p4-w7_fpn_1x_coco': ([8, 16, 32, 64, 128], [256] * 5),
}


@pytest.mark.parametrize('name', STOCK)
def test_stock_detectors(name):
    strides, channels = STOCK[name]
    found = Teacher(f'mmdet::{name}.py', None).measure()
    assert [one.stride for one in found] == strides
    assert [one.channels for one in found] == channels


def test_measuring_leaves_the_model_as_it_is():
    config = without_pretrained(
        resolve_model_config('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py')
    )
    model = build_model(config)
    model.backbone.stage1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    measure(model, ['neck'], 'student')
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())


def net(shape):
    model = nn.Module()
    model.backbone = nn.Sequential(nn.Conv2d(3, 6, 4, stride=4), Shape(shape))
    return model


class Shape(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return self.shape(x)


def tokens(x):
    return torch.cat([x.new_zeros(len(x), 3, 6), x.flatten(2).transpose(1, 2)], dim=1)


LAYOUTS = {
    'maps': (lambda x: (x, x[:, :2, ::2, ::2]), ['NCHW', 'NCHW'], [4, 8], [6, 2]),
    'dict': (lambda x: dict(a=x, b=[x]), ['NCHW', 'NCHW'], [4, 4], [6, 6]),
    'last': (lambda x: x.movedim(1, -1), ['NHWC'], [4], [6]),
    'tokens': (tokens, ['NLC'], [4], [6]),
    'vector': (lambda x: x.mean((2, 3)), ['NC'], [None], [6]),
    'pooled': (lambda x: x.mean((2, 3), keepdim=True), ['NCHW'], [None], [6]),
    'sequence': (lambda x: x.flatten(2).permute(2, 0, 1), ['?'], [None], [6]),
    'strips': (lambda x: x.mean(2), ['?'], [None], [32]),
    'scalar': (lambda x: [x, x.mean()], ['NCHW', '?'], [4, None], [6, 1]),
    'queries': (lambda x: x.new_zeros(2, len(x), 7, 5), ['...C'], [None], [5]),
}


@pytest.mark.parametrize('kind', LAYOUTS)
def test_layouts(kind):
    shape, layouts, strides, channels = LAYOUTS[kind]
    found = measure(net(shape), ['backbone'], 'student')
    assert [one.layout for one in found] == layouts
    assert [one.stride for one in found] == strides
    if kind != 'strips':  # which has none
        assert [one.channels for one in found] == channels


@pytest.mark.parametrize('kind', ['last', 'tokens', 'vector'])
def test_as_maps(kind):
    """The map is the stem's, whatever way it was returned in."""
    model = net(LAYOUTS[kind][0])
    (feature,) = measure(model, ['backbone'], 'student')
    images = torch.rand(2, 3, 16, 32)
    expected = model.backbone[0](images)
    if kind == 'vector':
        expected = expected.mean((2, 3), keepdim=True)
    assert torch.equal(feature.as_map(model.backbone(images), (16, 32)), expected)


@pytest.mark.parametrize('prefix', [0, 1, 5])
@pytest.mark.parametrize('padded', [False, True])
@pytest.mark.parametrize('patch', [7, 14, 16])
def test_tokens_of_patches_that_do_not_divide_the_image(patch, padded, prefix):
    """A transformer cuts the border off, or pads it to a whole patch."""

    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 6, patch, patch)

        def map(self, x):
            height, width = (-size % patch for size in x.shape[2:])
            return self.conv(F.pad(x, (0, width, 0, height)) if padded else x)

        def forward(self, x):
            x = self.map(x).flatten(2).transpose(1, 2)
            return torch.cat([x.new_zeros(len(x), prefix, 6), x], dim=1)

    model = nn.Module()
    model.backbone = Patches()
    (feature,) = measure(model, ['backbone'], 'teacher')
    assert (feature.stride, feature.prefix) == (patch, prefix)
    images = torch.rand(2, 3, 100, 130)
    found = feature.as_map(model.backbone(images), (100, 130))
    assert torch.equal(found, model.backbone.map(images))


def test_tokens_that_are_no_map_of_the_image():
    feature = Feature('backbone', 0, 6, 16, 'NLC', 1)
    with pytest.raises(ValueError, match=r'has 20 tokens for an image of \(64, 64\)'):
        feature.as_map(torch.zeros(1, 21, 6), (64, 64))


def test_vectors_in_leading_dimensions_become_a_map_of_one_column():
    x = torch.rand(6, 2, 7, 5)
    found = Feature('bbox_head', 0, 5, layout='...C').as_map(x, (16, 32))
    assert found.shape == (12, 5, 7, 1)
    assert torch.equal(found[3, :, 4, 0], x[1, 1, 4])


def test_a_module_that_meta_tensors_do_not_suit_is_run_on_small_images():
    def shape(x):
        return x if x.sum().item() < 1e9 else None

    (found,) = measure(net(shape), ['backbone'], 'student')
    assert (found.stride, found.channels) == (4, 6)


def test_a_model_that_fails_is_told_with_the_size():
    def shape(x):
        raise RuntimeError('sizes must be 32')

    with pytest.raises(ValueError, match=r"student's .* 3x256x256: .*sizes must be 32"):
        measure(net(shape), ['backbone'], 'student')


def test_a_module_that_is_not_there():
    with pytest.raises(ValueError, match="no module 'backbone.layer5'; it has .*layer"):
        measure(toys.build(toys.detector()), ['backbone.layer5'], 'student')


def test_any_module_can_be_named():
    model = toys.build(toys.detector())
    names = ['backbone.layer2', 'neck.fpn_convs.0']
    found = measure(model, names, 'student')
    assert [(one.name, one.stride, one.channels) for one in found] == [
        ('backbone.layer2', 8, 8),
        ('neck.fpn_convs.0', 4, 8),
    ]


def test_neither_neck_nor_backbone():
    with pytest.raises(ValueError, match="student Sequential .* consists of '0'"):
        default_features(nn.Sequential(nn.Conv2d(3, 3, 1)), 'student')


def test_a_model_around_a_detector():
    wrapper = nn.ModuleDict(dict(student=toys.build(toys.detector()), other=nn.ReLU()))
    with pytest.raises(
        ValueError, match="let the teacher be the model in it: 'student'"
    ):
        default_features(wrapper, 'teacher')
