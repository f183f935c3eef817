import pytest
import torch
from coco_sets import change, write_coco
from mmdet.registry import DATASETS
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from mmreviewkd.data_folders import open_folder
from mmreviewkd.job import Detectors, JobError, Training
from mmreviewkd.job.job_configs import load_configs


def models(cfgs):
    """All models in the configs."""
    for cfg in cfgs.values():
        model = cfg.model
        yield from [model.student, model.teacher] if 'student' in model else [model]


def test_classes_and_masks(configs, masks):
    cfgs = load_configs(configs, masks)
    for model in models(cfgs):
        assert model.type == 'MaskRCNN'
        assert model.roi_head.bbox_head.num_classes == 2
        assert model.roi_head.mask_head.num_classes == 2
    for cfg in cfgs.values():
        assert cfg.val_evaluator.metric == cfg.test_evaluator.metric == ['bbox', 'segm']
        for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            assert cfg[loader].dataset.metainfo.classes == ('cat', 'dog')


def test_boxes_only(configs, boxes):
    cfgs = load_configs(configs, boxes)
    for model in models(cfgs):
        assert model.type == 'FasterRCNN'
        assert model.roi_head.bbox_head.num_classes == 2
    init_default_scope('mmdet')
    cfg = cfgs['distilled']
    assert cfg.val_evaluator.metric == ['bbox']
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sample = dataset[0]['data_samples'].gt_instances
    assert sorted(sample.labels.tolist()) == [0, 1]
    assert 'masks' not in sample


def test_perfect_predictions_have_full_ap(configs, boxes):
    init_default_scope('mmdet')
    cfg = load_configs(configs, boxes)['student']
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    evaluator = Evaluator(cfg.val_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    for i in range(len(dataset)):
        sample = dataset[i]['data_samples']
        sample.pred_instances = sample.gt_instances.clone()
        sample.pred_instances.bboxes = sample.gt_instances.bboxes.tensor
        sample.pred_instances.scores = torch.ones(len(sample.gt_instances))
        evaluator.process([sample])
    assert evaluator.evaluate(len(dataset))['coco/bbox_mAP'] == 1.0


@pytest.mark.parametrize(
    'option, message',
    [
        ('model.backbone.depth', 'write one of model.student'),
        ('model.backbone', 'write one of model.student'),
        ('student.trian_cfg.max_epochs', 'no config has the field trian_cfg'),
        ('trian_cfg.max_epochs', 'the field trian_cfg; near it are train_cfg'),
        ('data_root', 'data_root is a variable of the config'),
        ('randomness.seed', 'each run has its own seed; write --seeds'),
        ('student.randomness.seed', 'each run has its own seed; write --seeds'),
    ],
)
def test_unknown_options(configs, masks, option, message):
    with pytest.raises(JobError, match=message):
        load_configs(configs, masks, options={option: 1})


def test_metrics_that_are_left_out_are_named(configs, boxes, tmp_path):
    path = tmp_path / 'pair.py'
    path.write_text(
        f"_base_ = '{configs}/reviewkd_frcnn.py'\n"
        "dump = dict(type='DumpDetResults', out_file_path='all.pkl')\n"
        'val_evaluator = test_evaluator = [dict(type="CocoMetric"), dump]\n'
    )
    pair = Detectors(str(path), train_teacher=True, teacher_checkpoint='random')
    said: list[str] = []
    load_configs(configs, boxes, detectors=pair, say=said.append)
    assert 'note: CocoMetric alone evaluates; left out: DumpDetResults' in said
    said.clear()
    load_configs(configs, boxes, say=said.append)
    assert not any('left out' in text for text in said)


def test_fewer_images(configs, boxes):
    init_default_scope('mmdet')
    cfg = load_configs(configs, boxes, Training(max_images=(1, 5)))['student']
    assert len(DATASETS.build(cfg.train_dataloader.dataset)) == 1
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == 2


@pytest.mark.parametrize(
    'side, image_size, expected', [(64, None, 64), (300, None, 224), (300, 260, 260)]
)
def test_image_size(configs, tmp_path, side, image_size, expected):
    data = open_folder(write_coco(tmp_path / 'data', size=side))
    init_default_scope('mmdet')
    cfg = load_configs(configs, data, Training(image_size=image_size))['student']
    for loader in ('train_dataloader', 'val_dataloader'):
        dataset = DATASETS.build(cfg[loader].dataset)
        assert dataset[0]['data_samples'].img_shape == (expected, expected)


def test_options(configs, masks):
    options = {
        'train_cfg.max_epochs': 3,
        'model.student.neck.out_channels': 24,
        'model.teacher.backbone.depth': 34,
        'model.distillation.loss_weight': 0.7,
        'model.inherit': [],
    }
    cfgs = load_configs(configs, masks, options=options)
    assert all(cfg.train_cfg.max_epochs == 3 for cfg in cfgs.values())
    teacher, student, distilled = (cfg.model for cfg in cfgs.values())
    assert (teacher.backbone.depth, student.backbone.depth) == (34, 18)
    assert student.neck.out_channels == 24 != teacher.neck.out_channels
    assert 'distillation' not in student and 'distillation' not in teacher
    assert distilled.distillation.loss_weight == 0.7
    assert distilled.inherit == [] and 'inherit' not in student
    assert distilled.student == student and distilled.teacher == teacher


def test_lists_of_dicts_replace_what_is_there(configs, boxes):
    """Such as hooks; MMEngine drops ``_delete_`` from what it merges."""
    hook = dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP')
    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    optimizer = dict(_delete_=True, type='SGD', lr=0.1)
    options = {
        'custom_hooks': [hook],
        'visualizer.vis_backends': backends,
        'optim_wrapper.optimizer': optimizer,
    }
    for cfg in load_configs(configs, boxes, options=options).values():
        assert cfg.custom_hooks == [hook]
        assert cfg.visualizer.vis_backends == backends
        assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.1)


def test_epochs(configs, boxes):
    cfgs = load_configs(configs, boxes, Training(epochs=3, teacher_epochs=5))
    epochs = {name: cfg.train_cfg.max_epochs for name, cfg in cfgs.items()}
    assert epochs == dict(teacher=5, student=3, distilled=3)
    # The student has the same schedule alone and distilled; the teacher a longer one.
    cfgs = load_configs(configs, boxes)
    student, distilled = (cfgs[name] for name in ('student', 'distilled'))
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert student[key] == distilled[key]
    assert cfgs['teacher'].train_cfg.max_epochs > student.train_cfg.max_epochs


def test_learning_rate_that_stays_is_told(configs, boxes):
    said = []
    load_configs(configs, boxes, say=said.append)
    assert said == []
    load_configs(configs, boxes, Training(batch=2), say=said.append)
    (note,) = said
    assert 'the batch of teacher, student, distilled is not that of the config' in note


@pytest.mark.parametrize(
    'option, value, message',
    [
        (
            'model.student.backbone.depth',
            dict(a=1),
            'model.backbone.depth of student: depth=.* is of type .*int',
        ),
        ('train_dataloader.dataset.pipeline.99.scale', 1, '.*: Index 99 exceeds'),
        (
            'train_dataloader.dataset.pipeline.scale',
            1,
            'train_dataloader.dataset.pipeline.scale of teacher: list indices must be',
        ),
    ],
)
def test_options_that_do_not_fit(configs, boxes, option, value, message):
    with pytest.raises(JobError, match=f'--cfg-options: {message}'):
        load_configs(configs, boxes, options={option: value})


@pytest.mark.parametrize('from_scratch', [False, True])
def test_the_students_checkpoint_is_no_start_for_the_teacher(
    configs, boxes, tmp_path, from_scratch
):
    """Nor for anyone from scratch."""
    path = tmp_path / 'pair.py'
    demo = configs / 'reviewkd_frcnn.py'
    path.write_text(
        f"_base_ = '{demo}'\n"
        "load_from = 'student.pth'\n"
        "model = dict(teacher=dict(_delete_=True, type='FasterRCNN'),\n"
        '    teacher_checkpoint=None)\n'
    )
    names = Detectors(pair=str(path), from_scratch=from_scratch)
    cfgs = load_configs(configs, boxes, detectors=names)
    start = None if from_scratch else 'student.pth'
    assert {name: cfg.load_from for name, cfg in cfgs.items()} == dict(
        teacher=None, student=start, distilled=start
    )


def test_learning_rate_follows_the_steps_of_the_data_set(configs, tmp_path):
    """Of 40 images 6 have objects; an option sets the batch."""
    root = write_coco(tmp_path / 'data', images_each=40)

    def drop(coco):
        coco['annotations'] = [
            one for one in coco['annotations'] if one['image_id'] < 6
        ]

    change(root, drop, 'train')
    options = {'train_dataloader.batch_size': 2}
    cfgs = load_configs(configs, open_folder(root), Training(epochs=5), options=options)
    # A fifth of 5 epochs of 3 steps.
    assert cfgs['student'].param_scheduler[0].end == 3


def test_checkpoints_are_where_the_job_looks_for_them(configs, boxes, tmp_path):
    path = tmp_path / 'pair.py'
    demo = configs / 'reviewkd_frcnn.py'
    path.write_text(
        f"_base_ = '{demo}'\n"
        "default_hooks = dict(checkpoint=dict(filename_tmpl='mine_{}.pth',\n"
        "    out_dir='elsewhere', save_optimizer=False, interval=5, save_begin=3,\n"
        "    published_keys=['meta', 'state_dict']))\n"
        'model = dict(teacher_checkpoint=None)\n'
    )
    cfgs = load_configs(configs, boxes, detectors=Detectors(pair=str(path)))
    assert cfgs['student'].default_hooks.checkpoint == dict(
        type='CheckpointHook',
        # Unchanged in the demo, whose former runs are resumed.
        _scope_='mmdet',
        backend_args=dict(backend='atomic'),
        published_keys=['meta', 'state_dict'],
        interval=1,
        max_keep_ckpts=2,
        by_epoch=True,
        save_best=None,
    )


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'default_hooks.checkpoint.out_dir': 'elsewhere'},
            '--cfg-options default_hooks.checkpoint.out_dir: .* leave it out',
        ),
        (
            {'train_cfg.val_begin': 9, 'train_cfg.max_epochs': 8},
            'train_cfg.val_begin of teacher is 9, but there are 8 epochs',
        ),
    ],
)
def test_what_would_fail_at_the_end(configs, boxes, options, message):
    with pytest.raises(JobError, match=message):
        load_configs(configs, boxes, options=options)
