import pytest
from coco_sets import change, write_coco
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.evaluation import CocoMetric
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import init_default_scope

from mmreviewkd.data_folders import open_folder
from mmreviewkd.job import JobError
from mmreviewkd.job.fit_data import fit_data, kinds_of, main_metric, transforms

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs'),
]


@pytest.mark.parametrize(
    'name, kinds, metric',
    [
        ('faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', ('box',), 'coco/bbox_mAP'),
        ('mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', ('box', 'mask'), 'coco/bbox_mAP'),
        ('solo/solo_r50_fpn_1x_coco.py', ('mask',), 'coco/segm_mAP'),
    ],
)
def test_what_a_detector_predicts(name, kinds, metric):
    cfg = get_config(f'mmdet::{name}')
    assert kinds_of(cfg) == kinds and main_metric(cfg) == metric


BOTH = [
    dict(type='CocoMetric', metric='bbox', classwise=True),
    dict(type='CocoMetric', metric='segm'),
]


@pytest.mark.parametrize(
    'evaluator, kinds',
    [
        (BOTH, ('box', 'mask')),
        (dict(type='Evaluator', metrics=BOTH), ('box', 'mask')),
        ([dict(type='CocoMetric'), dict(type='DumpDetResults')], ('box',)),
        ([dict(type='DumpDetResults'), BOTH[1]], ('mask',)),
        (dict(type='VOCMetric', metric='mAP'), ('box',)),
    ],
)
def test_what_several_metrics_measure(masks, evaluator, kinds):
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    cfg.val_evaluator = cfg.test_evaluator = evaluator
    assert kinds_of(cfg) == kinds
    fit_data(cfg, masks)
    assert cfg.val_evaluator.type == cfg.test_evaluator.type == 'CocoMetric'
    assert kinds_of(cfg) == kinds
    assert cfg.val_evaluator.get('classwise', False) == (len(kinds) == 2)


def test_scores_have_their_usual_names(masks):
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    renaming = dict(prefix='mine', metric_items=['mAP'], format_only=True)
    cfg.val_evaluator = dict(type='CocoMetric', classwise=True, **renaming)
    fit_data(cfg, masks)
    assert cfg.val_evaluator.classwise and not renaming.keys() & cfg.val_evaluator


def test_images_used_for_validation_need_an_object(tmp_path):
    write_coco(tmp_path, images_each=4)

    def edit(coco):
        one, two, three, *rest = coco['annotations'][2:]
        # Left are: of the second image a crowd, of the third one an object.
        one['iscrowd'] = 1
        coco['annotations'] = [three, one, *rest]

    change(tmp_path, edit)
    data = open_folder(tmp_path)
    assert data.val.first == 3
    cfg = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py')
    with pytest.raises(JobError, match='first 2 images .* --max-images 1 3, or more'):
        fit_data(cfg, data, (1, 2))
    fit_data(cfg, data, (1, 3))
    assert cfg.val_dataloader.dataset.indices == 3
    fit_data(cfg, data)


def test_masks_are_needed(boxes, masks):
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    with pytest.raises(JobError, match='the MaskRCNN learns masks, but boxes has'):
        fit_data(cfg, boxes)
    fit_data(cfg, masks)
    assert cfg.val_evaluator.metric == ['bbox', 'segm']


def test_boxes_of_a_set_with_masks(masks):
    cfg = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py')
    fit_data(cfg, masks)
    loading = [t for t in transforms(cfg) if t.type == 'LoadAnnotations']
    assert loading and not any(transform.with_mask for transform in loading)
    assert cfg.val_evaluator.metric == ['bbox']


@pytest.mark.parametrize('kind', ['mmdet.LoadAnnotations', LoadAnnotations])
@pytest.mark.parametrize('metric', ['mmdet.CocoMetric', CocoMetric])
def test_types_by_other_names(masks, kind, metric):
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    cfg.train_dataloader.dataset.pipeline[1].type = kind
    cfg.val_evaluator.update(type=metric, metric='bbox', proposal_nums=(1, 10, 100))
    fit_data(cfg, masks)
    assert not cfg.train_dataloader.dataset.pipeline[1].with_mask
    assert cfg.val_evaluator.type == metric
    assert cfg.val_evaluator.proposal_nums == (1, 10, 100)


def test_data_set_of_another_kind_within_others(boxes):
    voc = dict(
        type='VOCDataset',
        data_root='data/VOCdevkit/',
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=PIPELINE,
    )
    joined = dict(type='ConcatDataset', datasets=[voc, voc])
    loader = dict(batch_size=2, dataset=joined)
    repeated = dict(
        batch_size=2, dataset=dict(type='RepeatDataset', times=3, dataset=joined)
    )
    cfg = Config(
        dict(
            model=dict(type='FasterRCNN'),
            train_dataloader=repeated,
            val_dataloader=loader,
            val_evaluator=dict(type='VOCMetric', metric='mAP', eval_mode='11points'),
        )
    )
    fit_data(cfg, boxes)
    init_default_scope('mmdet')
    train = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(train) == 3 * boxes.train.images
    assert train.metainfo['classes'] == ('cat', 'dog')
    assert cfg.val_dataloader.dataset.type == 'CocoDataset'
    assert cfg.val_evaluator == dict(
        type='CocoMetric',
        metric=['bbox'],
        ann_file=str(boxes.root / boxes.val.ann_file),
    )
    assert cfg.val_cfg.type == 'ValLoop'
