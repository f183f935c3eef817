import copy

import pytest
from coco_sets import write_coco
from mmengine.registry import DATASETS, init_default_scope

from mmreviewkd.datasets.compact import compact


@pytest.fixture
def dataset(tmp_path):
    init_default_scope('mmdet')
    return DATASETS.build(
        dict(
            type='CocoDataset',
            data_root=str(write_coco(tmp_path)),
            ann_file='annotations/instances_train.json',
            data_prefix=dict(img='images/'),
            metainfo=dict(classes=('cat', 'dog')),
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=[],
        )
    )


def test_lists_become_arrays_of_the_same_numbers(dataset):
    before = copy.deepcopy(dataset.cat_img_map)
    items = [dataset.get_data_info(index) for index in range(len(dataset))]
    compact(dataset)
    assert all(ids.itemsize == 8 for ids in dataset.cat_img_map.values())
    assert {k: list(ids) for k, ids in dataset.cat_img_map.items()} == before
    assert before == {7: [0, 1], 8: [0, 1]}
    assert [dataset.get_data_info(index) for index in range(len(dataset))] == items


def test_text_ids_stay(dataset):
    dataset.cat_img_map = {7: ['a', 'b']}
    compact(dataset)
    assert dataset.cat_img_map == {7: ['a', 'b']}


def test_parts_and_other_data_sets(dataset):
    class Joined:
        datasets = (dataset, object())

    compact(Joined())
    assert all(ids.itemsize == 8 for ids in dataset.cat_img_map.values())
