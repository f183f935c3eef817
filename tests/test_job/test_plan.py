import pytest
import torch
from coco_sets import POLYGON, write_coco
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from mmreviewkd.job import JobError
from mmreviewkd.job.coco_folder import CocoFolder
from mmreviewkd.job.method import Method
from mmreviewkd.job.plan import load_configs, plan_comparison, plan_runs


@pytest.fixture
def boxes(tmp_path):
    # As some sets without masks have it.
    return CocoFolder(write_coco(tmp_path / 'boxes', segmentation='[]'))


@pytest.fixture
def masks(tmp_path):
    return CocoFolder(write_coco(tmp_path / 'masks', segmentation=POLYGON))


def plan(configs, data, controls=False, **args):
    cfgs = load_configs(configs, data, **args)
    runs = plan_runs(cfgs, data.root.parent / 'work', controls=controls)
    return {run.name: run for run in runs}


def models(runs):
    """All models in the runs' configs."""
    for run in runs.values():
        model = run.config.model
        yield from [model.student, model.teacher] if 'student' in model else [model]


def test_classes_and_masks(configs, masks):
    runs = plan(configs, masks, controls=True)
    for model in models(runs):
        assert model.type == 'MaskRCNN'
        assert model.roi_head.bbox_head.num_classes == 2
        assert model.roi_head.mask_head.num_classes == 2
    for run in runs.values():
        cfg = run.config
        assert cfg.val_evaluator.metric == cfg.test_evaluator.metric == ['bbox', 'segm']
        for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            assert cfg[loader].dataset.metainfo.classes == ('cat', 'dog')


def test_boxes_only(configs, boxes):
    runs = plan(configs, boxes)
    for model in models(runs):
        assert model.type == 'FasterRCNN'
        assert model.roi_head.bbox_head.num_classes == 2
    init_default_scope('mmdet')
    cfg = runs['distilled'].config
    assert cfg.val_evaluator.metric == ['bbox']
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sample = dataset[0]['data_samples'].gt_instances
    assert sorted(sample.labels.tolist()) == [0, 1]
    assert 'masks' not in sample


def test_perfect_predictions_have_full_ap(configs, boxes):
    init_default_scope('mmdet')
    cfg = plan(configs, boxes)['student'].config
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


def test_runs_differ_in_what_they_should(configs, masks):
    runs = plan(configs, masks, controls=True)
    assert list(runs) == [
        'teacher', 'student', 'distilled', 'random_teacher', 'zero_weight'
    ]  # fmt: skip
    distilled, random, zero = (
        runs[name].config.model
        for name in ('distilled', 'random_teacher', 'zero_weight')
    )
    teacher = runs['teacher']
    epochs = teacher.config.train_cfg.max_epochs
    checkpoint = str(teacher.folder / f'epoch_{epochs}.pth')
    assert distilled.teacher_checkpoint == zero.teacher_checkpoint == checkpoint
    assert random.teacher_checkpoint == 'random'
    # Nothing to inherit there; the weight alone is 0 in the other.
    assert not random.inherit and zero.inherit == distilled.inherit
    assert distilled.distillation.loss_weight > 0 == zero.distillation.loss_weight
    assert distilled.student == runs['student'].config.model
    assert distilled.teacher == teacher.config.model
    for run in runs.values():
        assert run.config.work_dir == str(run.folder)


def test_seeds(configs, boxes):
    runs = plan_runs(load_configs(configs, boxes), boxes.root, seeds=(3, 5, 3))
    assert [(run.name, run.seed, run.config.randomness.seed) for run in runs] == [
        (name, seed, seed)
        for seed in (3, 5)
        for name in ('teacher', 'student', 'distilled')
    ]
    assert runs[5].config.model.teacher_checkpoint.startswith(str(runs[3].folder))
    assert len({run.folder for run in runs}) == 6
    assert [run.needs for run in runs[3:]] == [None, None, runs[3]]


def test_dumped_config_stands_alone(configs, masks, tmp_path):
    run = plan(configs, masks)['distilled']
    path = tmp_path / 'elsewhere' / 'config.py'
    path.parent.mkdir()
    run.config.dump(path)
    cfg = Config.fromfile(path)
    assert cfg.to_dict() == run.config.to_dict()
    assert '_base_' not in path.read_text()
    init_default_scope('mmdet')
    model = MODELS.build(cfg.model)
    assert model.roi_head.mask_head.num_classes == 2


def test_options(configs, masks):
    options = {
        'train_cfg.max_epochs': 3,
        'model.student.neck.out_channels': 24,
        'model.teacher.backbone.depth': 34,
        'model.distillation.loss_weight': 0.7,
        'model.inherit': [],
    }
    runs = plan(configs, masks, options=options)
    assert all(run.config.train_cfg.max_epochs == 3 for run in runs.values())
    teacher, student, distilled = (run.config.model for run in runs.values())
    assert (teacher.backbone.depth, student.backbone.depth) == (34, 18)
    assert student.neck.out_channels == 24 != teacher.neck.out_channels
    assert 'distillation' not in student and 'distillation' not in teacher
    assert distilled.distillation.loss_weight == 0.7
    assert distilled.inherit == [] and 'inherit' not in student
    assert distilled.student == student and distilled.teacher == teacher
    assert distilled.teacher_checkpoint.endswith('/epoch_3.pth')


@pytest.mark.parametrize(
    'option, message',
    [
        ('model.backbone.depth', 'write one of model.student'),
        ('model.student', 'write one of model.student'),
        ('trian_cfg.max_epochs', 'no config has the field trian_cfg'),
    ],
)
def test_unknown_options(configs, masks, option, message):
    with pytest.raises(JobError, match=message):
        plan(configs, masks, options={option: 1})


def test_fewer_images(configs, boxes):
    init_default_scope('mmdet')
    cfg = plan(configs, boxes, max_images=(1, 5))['student'].config
    assert len(DATASETS.build(cfg.train_dataloader.dataset)) == 1
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == 2


def test_epochs(configs, boxes):
    runs = plan(configs, boxes, controls=True, epochs=3, teacher_epochs=5)
    epochs = {name: run.config.train_cfg.max_epochs for name, run in runs.items()}
    assert epochs == dict(
        teacher=5, student=3, distilled=3, random_teacher=3, zero_weight=3
    )
    assert runs['distilled'].config.model.teacher_checkpoint.endswith('/epoch_5.pth')
    # The student has the same schedule alone and distilled; the teacher a longer one.
    runs = plan(configs, boxes)
    student, distilled = (runs[n].config for n in ('student', 'distilled'))
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert student[key] == distilled[key]
    assert runs['teacher'].config.train_cfg.max_epochs > student.train_cfg.max_epochs


@pytest.mark.parametrize(
    'side, image_size, expected', [(64, None, 64), (300, None, 224), (300, 260, 260)]
)
def test_image_size(configs, tmp_path, side, image_size, expected):
    data = CocoFolder(write_coco(tmp_path / 'data', size=side))
    init_default_scope('mmdet')
    cfg = plan(configs, data, image_size=image_size)['student'].config
    for loader in ('train_dataloader', 'val_dataloader'):
        dataset = DATASETS.build(cfg[loader].dataset)
        assert dataset[0]['data_samples'].img_shape == (expected, expected)


def test_comparison(configs, boxes):
    fitnet = dict(type='FeatureDistillation', loss_weight=2.0)
    pair = [dict(type='A'), dict(type='B')]
    methods = [Method('fitnet', fitnet), Method('pair', pair, ['mine'])]
    cfgs = load_configs(configs, boxes, epochs=3, options={'model.inherit': ()})
    runs = plan_comparison(cfgs, methods, boxes.root, seeds=(2, 1, 2))
    assert [(run.name, run.seed) for run in runs] == [
        ('teacher', 0),
        *((name, seed) for seed in (2, 1) for name in ('student', 'fitnet', 'pair')),
    ]
    teacher, student, *distilled = runs[:4]
    checkpoint = teacher.folder / f'epoch_{teacher.config.train_cfg.max_epochs}.pth'
    for run, distillation in zip(distilled, (fitnet, pair), strict=True):
        assert run.needs is teacher
        assert run.config.model.teacher_checkpoint == str(checkpoint)
        assert run.config.model.distillation == distillation
        assert run.config.model.inherit == ()
        assert run.config.model.student == student.config.model
    # They differ in nothing else.
    settings = [run.config.to_dict() for run in distilled]
    for setting in settings:
        del setting['model']['distillation'], setting['work_dir']
    assert settings[0].pop('custom_imports')['imports'] == ['mmreviewkd']
    assert settings[1].pop('custom_imports')['imports'] == ['mmreviewkd', 'mine']
    assert settings[0] == settings[1]
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert student.config[key] == distilled[0].config[key]
    # What is changed in one seed's run is not in another's.
    runs[5].config.model.distillation.loss_weight = 5.0
    assert distilled[0].config.model.distillation.loss_weight == 2.0
