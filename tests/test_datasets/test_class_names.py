import re

import pytest
from coco_sets import write_coco
from mmdet.datasets import CocoDataset, ConcatDataset
from mmengine.dataset import RepeatDataset
from runs import coco_run

from mmreviewkd.datasets.class_names import (
    check_class_names,
    check_data_sets,
    class_names,
    parts,
)
from mmreviewkd.errors import UsageError
from mmreviewkd.runner import Runner

ABC = ('a', 'b', 'c')


def coco(root, classes):
    return CocoDataset(
        data_root=str(root),
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='images'),
        metainfo=dict(classes=classes),
    )


@pytest.fixture
def joined(tmp_path):
    """A joined data set, one part of which is repeated."""
    root = write_coco(tmp_path, names=ABC, labels=(0, 1, 2))

    # MMDetection joins data sets that are not wrapped.
    def build(first, second):
        one = ConcatDataset([coco(root, first), coco(root, second)])
        one.datasets[0] = RepeatDataset(one.datasets[0], 2)
        return one

    return build


def test_parts(joined):
    dataset = joined(ABC, ABC)
    assert [place for place, _ in parts(dataset, 'x')] == [
        'x.datasets[0].dataset',
        'x.datasets[1]',
    ]
    config = dict(dataset=dict(datasets=[dict(a=1), dict(dataset=dict(b=2))]))
    assert list(parts(config, 'x')) == [
        ('x.dataset.datasets[0]', dict(a=1)),
        ('x.dataset.datasets[1].dataset', dict(b=2)),
    ]
    assert class_names(dataset) == ABC
    assert class_names(object()) is None


@pytest.mark.parametrize('second', [ABC, ABC[:2]])
def test_same_numbers(joined, second):
    check_data_sets(joined(ABC, second), 'x')


def test_other_order_in_a_part(joined):
    with pytest.raises(UsageError, match=r"label 0 is 'c' in the one and 'a'") as error:
        check_data_sets(joined(ABC, ('c', 'a', 'b')), 'x')
    assert str(error.value).startswith('x.datasets[1] has other classes than x.datas')
    assert f'metainfo=dict(classes={ABC!r})' in str(error.value)


def test_classes_told_with_each_image(joined):
    dataset = joined(ABC, ('c', 'a', 'b'))
    for part in (dataset.datasets[0].dataset, dataset.datasets[1]):
        part.return_classes = True
    check_data_sets(dataset, 'x')


def test_one_string():
    with pytest.raises(UsageError, match=re.escape("write classes=('RBC',)")):
        check_class_names([('x', None), ('y', 'RBC')])


def test_training_does_not_begin(tmp_path):
    data = write_coco(tmp_path / 'data', names=('RBC',), labels=(0,))
    cfg = coco_run('frcnn_student.py', data, 'RBC')
    cfg.work_dir = str(tmp_path / 'run')
    cfg.model.roi_head.bbox_head.num_classes = 1
    with pytest.raises(UsageError, match=re.escape("write classes=('RBC',)")):
        Runner.from_cfg(cfg).train()
