import pytest

from mmreviewkd.results.kinds import KINDS, write_scores


@pytest.mark.parametrize(
    'kind, metrics, column, expected',
    [
        ('box', {'coco/bbox_mAP': 0.35}, None, 35.0),
        ('box', {'coco/bbox_mAP': 0.35, 'coco/bbox_mAP_s': -1.0}, 'APs', None),
        ('mask', {'coco/bbox_mAP': 0.35}, None, None),
        ('box', {'mine/bbox_mAP': 0.35}, None, None),
        ('box', {}, None, 0.0),
        ('top-1', {'accuracy/top1': 51.25, 'accuracy/top5': 80.0}, None, 51.25),
    ],
    ids=[
        'share',
        'no objects',
        'another kind',
        'another name',
        'nothing detected',
        'percent',
    ],
)
def test_score_in_points(kind, metrics, column, expected):
    assert KINDS[kind].score(metrics, column) == pytest.approx(expected)


def test_names():
    assert KINDS['mask'].title == 'mask AP'
    assert KINDS['top-1'].heading == 'Top-1 accuracy on the validation images'
    assert KINDS['box'].metric == 'coco/bbox_mAP'


def test_scores_on_a_line():
    metrics = {'coco/bbox_mAP': 0.351, 'coco/segm_mAP': 0.3, 'coco/bbox_mAP_s': 0.1}
    assert write_scores(metrics) == 'box AP 35.1, mask AP 30.0'
    assert write_scores({'accuracy/top1': 51.25}) == 'top-1 accuracy 51.2'
    assert write_scores({'coco/bbox_mAP': -1.0}) == 'box AP -'
    assert write_scores({}) == ''
