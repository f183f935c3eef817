import pytest
from mmengine.config import Config

from mmreviewkd.classification import TopKAccuracy
from mmreviewkd.task import classifies


@pytest.mark.parametrize(
    'evaluator, expected',
    [
        (dict(type='TopKAccuracy'), True),
        (dict(type=TopKAccuracy), True),
        ([dict(type='mmpretrain.Accuracy', topk=(1, 5))], True),
        (dict(type='CocoMetric', metric='bbox'), False),
        (dict(type='Evaluator', metrics=[dict(type='TopKAccuracy')]), True),
        (dict(metrics=dict(type='TopKAccuracy')), True),
        (None, False),
    ],
)
def test_classifier_is_known_by_its_metric(evaluator, expected):
    assert classifies(Config(dict(val_evaluator=evaluator))) == expected
    assert classifies(Config(dict(test_evaluator=evaluator))) == expected
