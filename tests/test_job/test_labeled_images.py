import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from mmreviewkd.job import JobError
from mmreviewkd.job.labeled_images import fit_images, open_labeled_images

CLASSES = tuple('abcd')


class Sorted(BaseDataset):
    """Ten images of each class, one class after the other, as folders are read."""

    METAINFO = dict(classes=CLASSES)

    def __init__(self, **fields):
        # To serialise them collects garbage, which takes a second.
        super().__init__(serialize_data=False, **fields)

    def load_data_list(self):
        return [dict(gt_label=number // 10) for number in range(40)]


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(DATASETS.module_dict, 'Sorted', Sorted)


def config(train=None, **fields):
    dataset = dict(type='Sorted', data_root='data/x')
    return Config(
        dict(
            data_root='data/x',
            train_dataloader=dict(dataset=train or dict(dataset)),
            val_dataloader=dict(dataset=dict(dataset)),
            val_evaluator=dict(type='TopKAccuracy', topk=(1, 3)),
            **fields,
        )
    )


def fitted(cfg, folder, *limits):
    """Fit a config, and return the labels of what is trained on."""
    fit_images(cfg, open_labeled_images(cfg, folder), limits or None)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return [dataset.get_data_info(index)['gt_label'] for index in range(len(dataset))]


def test_few_images_are_of_all_classes(tmp_path):
    cfg = config()
    assert fitted(cfg, tmp_path, 8, 4) == [0, 0, 1, 1, 2, 2, 3, 3]
    val = DATASETS.build(cfg.val_dataloader.dataset)
    assert [val.get_data_info(index)['gt_label'] for index in range(4)] == [0, 1, 2, 3]


def test_images_that_the_config_chooses_are_chosen_from(tmp_path):
    train = dict(type='Sorted', data_root='data/x', indices=[39, 38, 5, 4])
    assert fitted(config(train), tmp_path, 2, 40) == [3, 0]


def test_repeated_images(tmp_path):
    inner = dict(type='Sorted', data_root='data/x')
    cfg = config(dict(type='RepeatDataset', times=2, dataset=inner))
    data = open_labeled_images(cfg, tmp_path)
    assert (data.train.images, data.val.images) == (80, 40)
    assert data.classes == CLASSES
    assert data.found.startswith('found Sorted of 4 classes')
    # Eight in an epoch.
    assert fitted(cfg, tmp_path, 8, 40) == [0, 1, 2, 3] * 2
    assert cfg.train_dataloader.dataset.dataset.data_root == str(tmp_path)


def test_joined_images(tmp_path):
    inner = [
        dict(type='Sorted', data_root='data/x'),
        dict(type='Sorted', data_root='data/x/more', indices=20),
    ]
    cfg = config(dict(type='ConcatDataset', datasets=inner))
    assert fitted(cfg, tmp_path, 6, 40) == [0, 1, 2, 3, 0, 1]
    first, second = cfg.train_dataloader.dataset.datasets
    assert first.data_root == str(tmp_path)
    assert second.data_root == f'{tmp_path}/more'


def test_config_without_a_test_is_tested_as_it_is_validated(tmp_path):
    cfg = config(test_evaluator=dict(type='TopKAccuracy'))
    fitted(cfg, tmp_path, 40, 4)
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_evaluator == cfg.val_evaluator
    assert cfg.test_cfg == dict()


def test_data_that_are_missing_are_named(tmp_path):
    cfg = config()
    cfg.pop('val_dataloader')
    with pytest.raises(JobError, match='has no val_dataloader'):
        open_labeled_images(cfg, tmp_path)


def test_classes_without_names_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Sorted, 'METAINFO', {})
    with pytest.raises(JobError, match='Sorted does not say what its classes'):
        open_labeled_images(config(), tmp_path)
