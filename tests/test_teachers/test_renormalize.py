import pytest
import torch
import toys
from mmengine.config import ConfigDict

from mmreviewkd.teachers.renormalize import Renormalize

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
