import logging

import pytest
import toys
from coco_sets import write_coco
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from runs import coco_run


@pytest.fixture
def cfg(tmp_path):
    """A run on four images, of which one is missing and one is no image."""
    names = tuple('abc')
    data = write_coco(tmp_path / 'data', names=names, labels=(0, 1, 2), images_each=4)
    (data / 'images/01.png').unlink()
    (data / 'images/02.png').write_bytes(b'no\nimage')
    cfg = coco_run('frcnn_student.py', data, names)
    cfg.model = toys.detector()
    cfg.train_dataloader.batch_size = 2
    broken = str(tmp_path / 'run' / 'broken.txt')
    cfg.train_dataloader.dataset.pipeline[0] = dict(
        type='LoadImageOrSkip', broken_list=broken
    )
    cfg.custom_hooks = [dict(type='BrokenImagesHook', broken_list=broken)]
    cfg.work_dir = str(tmp_path / 'run')
    return cfg


@pytest.mark.parametrize('workers', [0, 2])
def test_training_goes_on_and_the_report_names_them(cfg, tmp_path, workers):
    cfg.train_dataloader.num_workers = workers
    cfg.experiment_name = f'broken-{workers}'
    runner = Runner.from_cfg(cfg)
    said = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    runner.logger.addHandler(handler)
    runner.train()
    assert runner.iter == 2
    (report,) = (text for text in said if 'could not be read' in text)
    assert report.startswith('2 images could not be read')
    assert '01.png' in report and '02.png' in report
    lines = (tmp_path / 'run/broken.txt').read_text().splitlines()
    assert {line.split("'")[1][-6:] for line in lines} == {'01.png', '02.png'}


def test_evaluation_leaves_nothing_out(cfg):
    init_default_scope('mmdet')
    dataset = cfg.train_dataloader.dataset
    dataset.test_mode = True
    dataset = DATASETS.build(dataset)
    with pytest.raises(Exception, match='should not get `None`'):
        dataset[1]


def test_whole_images_are_as_ever(cfg):
    init_default_scope('mmdet')
    config = cfg.train_dataloader.dataset
    images = []
    for load in (config.pipeline[0], dict(type='LoadImageFromFile')):
        config.pipeline = [load, *config.pipeline[1:3], config.pipeline[-1]]
        images.append(DATASETS.build(config)[0]['inputs'])
    assert (images[0] == images[1]).all()
