import pytest
import torch
import toys
from mmengine.config import ConfigDict

from mmreviewkd.teachers.renormalize import Renormalize, keep_direction

NORMALISATIONS = [
    dict(mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0], bgr_to_rgb=True),
    dict(mean=[5.0, 50.0, 100.0], std=[3.0, 3.0, 3.0], bgr_to_rgb=False, pad_value=2),
    dict(mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], bgr_to_rgb=False),
    dict(bgr_to_rgb=True),
]


@pytest.mark.parametrize('source', NORMALISATIONS)
@pytest.mark.parametrize('target', NORMALISATIONS)
def test_each_model_sees_its_own_normalisation(source, target):
    """Renormalised images are those that the teacher's preprocessor makes."""
    source, target = (
        toys.build(dict(type='DetDataPreprocessor', pad_size_divisor=32, **cfg))
        for cfg in (source, target)
    )
    data = source(toys.batch(), training=True)
    expected = target(toys.batch(), training=True)['inputs']
    actual = Renormalize(source, target)(data['inputs'], data['data_samples'])
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-4)


def test_equal_normalisation_costs_nothing():
    cfg = dict(type='DetDataPreprocessor', **NORMALISATIONS[0])
    source, target = toys.build(cfg), toys.build(cfg)
    images = torch.rand(1, 3, 8, 8)
    assert Renormalize(source, target)(images, []) is images


def test_preprocessor_of_another_kind_is_refused():
    other = toys.build(ConfigDict(type='BaseDataPreprocessor', _scope_='mmengine'))
    det = toys.build(dict(type='DetDataPreprocessor'))
    with pytest.raises(
        TypeError, match="student's data preprocessor BaseDataPreprocessor"
    ):
        Renormalize(other, det)


@pytest.mark.parametrize('labels', [torch.tensor([0, 1]), [0, 1], ['a', 'b']])
def test_what_stands_beside_the_images_may_be_anything(labels):
    source, target = (
        toys.build(dict(type='DetDataPreprocessor', **NORMALISATIONS[n]))
        for n in (0, 1)
    )
    images = torch.rand(2, 3, 8, 8)
    expected = Renormalize(source, target)(images, None)
    assert torch.equal(Renormalize(source, target)(images, labels), expected)


SCALE = dict(mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0])
OTHER = dict(mean=[5.0, 50.0, 100.0], std=[3.0, 5.0, 7.0])
ORDERS = {
    # Each with the order of the images that it is for.
    'no conversion': ('bgr', dict(type='DetDataPreprocessor', **SCALE)),
    'bgr_to_rgb': ('bgr', dict(type='DetDataPreprocessor', bgr_to_rgb=True, **OTHER)),
    'rgb_to_bgr': ('rgb', dict(type='DetDataPreprocessor', rgb_to_bgr=True, **SCALE)),
    'classification': ('rgb', dict(type='ImageBatchPreprocessor', **SCALE)),
    'conversion alone': ('bgr', dict(type='DetDataPreprocessor', bgr_to_rgb=True)),
    'nothing': ('bgr', dict(type='DetDataPreprocessor')),
}


@pytest.mark.parametrize('source', ORDERS)
@pytest.mark.parametrize('target', ORDERS)
def test_each_model_sees_its_own_channel_order(source, target):
    """However the images are read: some data sets give RGB, others BGR."""
    rgb = torch.tensor([250.0, 90.0, 7.0]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    images = dict(rgb=rgb, bgr=rgb.flip(1))
    built, normalised = [], []
    for order, config in (ORDERS[source], ORDERS[target]):
        one = toys.build(config)
        keep_direction(one, config)
        built.append(one)
        normalised.append(one(dict(inputs=images[order], data_samples=None))['inputs'])
    actual = Renormalize(*built)(normalised[0], None)
    torch.testing.assert_close(actual, normalised[1], rtol=1e-5, atol=1e-4)


def test_images_of_other_channels_keep_their_order():
    source, target = (
        toys.build(dict(type='DetDataPreprocessor', bgr_to_rgb=converts))
        for converts in (False, True)
    )
    for channels in (1, 5):
        images = torch.rand(2, channels, 4, 4)
        assert torch.equal(Renormalize(source, target)(images, None), images)


def test_a_normalisation_that_changes_nothing_is_one_of_images_of_0_to_255():
    source, target = (
        toys.build(dict(type='DetDataPreprocessor', **numbers))
        for numbers in (dict(mean=[0, 0, 0], std=[1, 1, 1]), SCALE)
    )
    images = 255 * torch.rand(2, 3, 4, 4)
    expected = (images - target.mean) / target.std
    torch.testing.assert_close(Renormalize(source, target)(images, None), expected)
    small = toys.build(dict(type='DetDataPreprocessor', mean=[0.5] * 3, std=[1] * 3))
    with pytest.raises(ValueError, match="the teacher's mean .* are those of images"):
        Renormalize(source, small)


def test_another_channel_order_is_refused():
    source, target = (toys.build(dict(type='DetDataPreprocessor')) for _ in range(2))
    source.channel_order = 'RGB'
    with pytest.raises(ValueError, match="channel_order 'RGB', but it has to be 'rgb'"):
        Renormalize(source, target)
