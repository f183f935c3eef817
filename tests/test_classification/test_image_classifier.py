"""ImageClassifier: losses, predictions, features."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from mmreviewkd.classification import ImageClassifier
from mmreviewkd.features import measure


@pytest.fixture
def model():
    torch.manual_seed(0)
    backbone = dict(type='CIFARResNet', depth=8, channels=(4, 4, 8, 8))
    return ImageClassifier(backbone, num_classes=5)


def test_loss_is_the_cross_entropy_of_the_scores(model):
    images, labels = torch.randn(3, 3, 32, 32), torch.tensor([0, 4, 2])
    model.eval()
    scores = model(images)
    assert scores.shape == (3, 5)
    expected = F.cross_entropy(scores, labels)
    loss = model(images, labels, mode='loss')['loss']
    torch.testing.assert_close(loss, expected, rtol=0, atol=0)


def test_prediction_is_the_softmax_with_the_label(model):
    images, labels = torch.randn(2, 3, 32, 32), torch.tensor([1, 3])
    model.eval()
    results = model(images, labels, mode='predict')
    expected = model(images).softmax(1)
    for number, result in enumerate(results):
        torch.testing.assert_close(result['pred_score'], expected[number])
        assert result['gt_label'] == labels[number]
    assert [list(one) for one in model(images, mode='predict')] == [['pred_score']] * 2


def test_features_are_the_stages_and_the_vector(model):
    found = measure(model, ['backbone'], 'student')
    assert [(one.channels, one.stride, one.layout) for one in found] == [
        *[(4, 1, 'NCHW'), (8, 2, 'NCHW'), (8, 4, 'NCHW')],
        (8, None, 'NC'),
    ]


def test_backbone_of_one_map_is_averaged():
    @MODELS.register_module(name='OneMap', force=True)
    class OneMap(nn.Conv2d):
        def __init__(self):
            super().__init__(3, 6, 3)

    model = ImageClassifier(dict(type='OneMap'), num_classes=2)
    images = torch.randn(2, 3, 8, 8)
    vector = model.backbone(images).mean((2, 3))
    expected = vector @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(images), expected)


def test_what_is_missing_is_said(model):
    with pytest.raises(ValueError, match='needs labels'):
        model(torch.randn(1, 3, 32, 32), mode='loss')
    with pytest.raises(ValueError, match="mode is 'train'"):
        model(torch.randn(1, 3, 32, 32), mode='train')
