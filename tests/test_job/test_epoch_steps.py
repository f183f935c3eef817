import pytest
from coco_sets import change, write_coco
from mmengine.config import Config

from mmreviewkd.job.epoch_steps import EpochSteps


def config(root, batch=2, times=0, **fields):
    dataset = dict(
        type='CocoDataset',
        data_root=f'{root}/',
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='images/train/'),
        metainfo=dict(classes=('cat', 'dog')),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=[dict(type='NoSuchTransform')],
    )
    if times:
        dataset = dict(type='RepeatDataset', times=times, dataset=dataset)
    loader = dict(
        batch_size=batch,
        num_workers=4,
        persistent_workers=True,
        prefetch_factor=2,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='AspectRatioBatchSampler'),
        dataset=dataset,
    )
    return Config(dict(default_scope='mmdet', train_dataloader=loader | fields))


@pytest.fixture
def root(tmp_path):
    """20 images for training, of which 7 have objects."""
    root = write_coco(tmp_path, images_each=20)

    def drop(coco):
        coco['annotations'] = [
            one for one in coco['annotations'] if one['image_id'] < 7
        ]

    change(root, drop, 'train')
    return root


def test_images_that_are_filtered_do_not_count(root):
    assert EpochSteps().count(config(root)) == 4


def test_repeated_images_count_again(root):
    assert EpochSteps().count(config(root, times=3)) == 11


def test_batches_of_all_processes(root):
    assert EpochSteps(3).count(config(root)) == 2


def test_last_batch_that_is_dropped(root):
    sampler = dict(type='AspectRatioBatchSampler', drop_last=True)
    cfg = config(root, batch_sampler=sampler)
    assert EpochSteps().count(cfg) == 3
    cfg = config(root, batch_sampler=None, drop_last=True)
    assert EpochSteps().count(cfg) == 3
    # The trial says that there is nothing to train on.
    cfg = config(root, batch=8, batch_sampler=None, drop_last=True)
    assert EpochSteps().count(cfg) == 1


def test_data_set_is_shared_and_read_in_silence(root, capfd):
    steps = EpochSteps()
    assert steps.count(config(root)) == 4
    (root / 'annotations/instances_train.json').unlink()
    assert steps.count(config(root, batch=4)) == 2
    assert capfd.readouterr().out == ''


def test_config_is_left_as_it_is(root):
    cfg = config(root)
    EpochSteps(2).count(cfg)
    assert cfg.to_dict() == config(root).to_dict()


def test_data_set_that_cannot_be_built(root):
    """Which is for the trial to tell."""
    cfg = config(root)
    cfg.train_dataloader.dataset.type = 'NoSuchDataset'
    assert EpochSteps().count(cfg) == 1
