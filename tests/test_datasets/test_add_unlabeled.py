import copy
import json

import pytest
import toys
from coco_sets import save_as, write_coco
from mmdet.datasets import MultiImageMixDataset
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from runs import coco_run

from mmreviewkd.datasets import add_unlabeled, remove_unlabeled, unlabeled_pipeline
from mmreviewkd.errors import UsageError

CLASSES = ('cat', 'dog')


@pytest.fixture
def data(tmp_path):
    root = write_coco(tmp_path / 'data', CLASSES, images_each=6)
    for number in range(5):
        path = root / f'more/{number}.png'
        path.parent.mkdir(exist_ok=True)
        save_as('plain', path)
    return root


@pytest.fixture
def cfg(data):
    init_default_scope('mmdet')
    return coco_run('reviewkd_frcnn.py', data, CLASSES)


def write_pseudo(data, names):
    coco = json.loads((data / 'annotations/instances_train.json').read_text())
    coco['images'] = [
        dict(id=n, file_name=name, width=64, height=64) for n, name in enumerate(names)
    ]
    coco['annotations'] = [
        dict(coco['annotations'][0], id=n + 1, image_id=n) for n in range(len(names))
    ]
    path = data / 'pseudo.json'
    path.write_text(json.dumps(coco))
    return path


def batches(cfg):
    init_default_scope('mmdet')
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    assert len(loader) == 2
    return list(loader)


def test_batches_get_as_many_more_images(cfg, data):
    add_unlabeled(cfg, data / 'more')
    first, last = batches(cfg)
    marks = [
        [getattr(one, 'unlabeled', False) for one in batch['data_samples']]
        for batch in (first, last)
    ]
    assert marks == [[False] * 4 + [True] * 4, [False] * 2 + [True] * 4]
    assert all(len(one.gt_instances.labels) for one in first['data_samples'][:4])


@pytest.mark.parametrize(('share', 'others'), [(0.2, 1), (0.75, 12), (0.01, 1)])
def test_share_of_a_batch(cfg, data, share, others):
    add_unlabeled(cfg, data / 'more', share)
    assert cfg.train_dataloader.batch_sampler.others == others
    assert cfg.train_dataloader.batch_size == 4


@pytest.mark.parametrize('labelled', [2, 5])
def test_pseudo_labels_are_labels(cfg, data, labelled):
    """Images without confident predictions stay unlabelled, and never come as both."""
    names = [f'{n}.png' for n in range(labelled)]
    add_unlabeled(cfg, data / 'more', pseudo_labels=write_pseudo(data, names))
    dataset = Runner.build_dataloader(cfg.train_dataloader, seed=0).dataset
    found = {}
    for n in range(6, len(dataset)):
        sample = dataset[n]['data_samples']
        found[sample.img_path.rpartition('/')[2]] = (
            getattr(sample, 'unlabeled', False),
            len(sample.gt_instances.labels),
        )
    assert len(dataset) == 6 + 5
    assert found == {
        f'{n}.png': (False, 1) if n < labelled else (True, 0) for n in range(5)
    }


def test_a_config_survives_being_written(cfg, data, tmp_path):
    add_unlabeled(cfg, data / 'more')
    cfg.dump(tmp_path / 'config.py')
    again = Config.fromfile(tmp_path / 'config.py')
    assert again.train_dataloader == cfg.train_dataloader
    # And its inner parts are not those of the config that was there before.
    assert again.train_dataloader.sampler.sampler.type == 'DefaultSampler'


def test_wrappers_and_batch_samplers_stay(cfg, data):
    loader = cfg.train_dataloader
    loader.dataset = dict(type='RepeatDataset', times=2, dataset=loader.dataset)
    loader.batch_sampler = dict(type='AspectRatioBatchSampler', drop_last=True)
    add_unlabeled(cfg, data / 'more')
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    assert [len(batch['inputs']) for batch in loader] == [8] * 3


@pytest.mark.parametrize(
    'loader',
    [
        dict(),
        dict(drop_last=True),
        dict(batch_sampler=dict(type='AspectRatioBatchSampler', drop_last=True)),
    ],
)
def test_images_are_removed(cfg, data, loader):
    cfg.train_dataloader.update(loader)
    before = copy.deepcopy(cfg.to_dict())
    remove_unlabeled(cfg)
    assert cfg.to_dict() == before
    add_unlabeled(cfg, data / 'more', pseudo_labels=data / 'later.json')
    assert cfg.to_dict() != before
    remove_unlabeled(cfg)
    assert cfg.to_dict() == before


def test_config_does_not_depend_on_what_the_teacher_finds(cfg, data):
    other = copy.deepcopy(cfg)
    path = data / 'pseudo.json'
    add_unlabeled(cfg, data / 'more', pseudo_labels=path)
    write_pseudo(data, [f'{n}.png' for n in range(5)])
    add_unlabeled(other, data / 'more', pseudo_labels=path)
    assert cfg.to_dict() == other.to_dict()


def test_pipeline_is_fitted():
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True),
        dict(type='CachedMosaic', img_scale=(64, 64)),
        dict(type='RandomCrop', crop_size=(32, 32)),
        dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1)),
        dict(type='PackDetInputs'),
    ]
    before = copy.deepcopy(pipeline)
    assert unlabeled_pipeline(pipeline) == [
        dict(type='LoadImageFromFile'),
        dict(
            type='LoadEmptyAnnotations',
            with_bbox=True, with_label=True, with_mask=True, with_seg=False,
        ),
        dict(type='RandomCrop', crop_size=(32, 32), allow_negative_crop=True),
        dict(type='PackDetInputs'),
    ]  # fmt: skip
    assert pipeline == before


def test_masks_of_a_batch_are_padded(data):
    """MMDetection pads the masks of all images of a batch, or of none."""
    write_coco(
        data, CLASSES, segmentation=[[4, 4, 24, 4, 24, 14, 4, 14]], images_each=6
    )
    cfg = coco_run('reviewkd_mrcnn.py', data, CLASSES, masks=True)
    add_unlabeled(cfg, data / 'more')
    preprocessor = toys.build(toys.detector('mrcnn').data_preprocessor)
    batch = preprocessor(batches(cfg)[0], training=True)
    shapes = [one.gt_instances.masks.masks.shape for one in batch['data_samples']]
    assert [shape[1:] for shape in shapes] == [batch['inputs'].shape[2:]] * 8


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda cfg, data: add_unlabeled(cfg, data / 'more', 1), 'between 0 and 1'),
        (lambda cfg, data: add_unlabeled(cfg, data / 'none'), 'is not there'),
        (
            lambda cfg, data: [add_unlabeled(cfg, data / 'more') for _ in range(2)],
            'has unlabelled images already',
        ),
    ],
)
def test_refusals(cfg, data, change, message):
    with pytest.raises(UsageError, match=message):
        change(cfg, data)


@pytest.mark.parametrize(
    'kind', ['MultiImageMixDataset', 'mmdet.MultiImageMixDataset', MultiImageMixDataset]
)
def test_mixed_images_need_a_pipeline(cfg, data, kind):
    loader = cfg.train_dataloader
    loader.dataset = dict(
        type=kind,
        dataset=loader.dataset,
        pipeline=[dict(type='PackDetInputs')],
    )
    with pytest.raises(UsageError, match='MultiImageMixDataset, .*give add_unlabeled'):
        add_unlabeled(cfg, data / 'more')
    add_unlabeled(cfg, data / 'more', pipeline=[dict(type='PackDetInputs')])
