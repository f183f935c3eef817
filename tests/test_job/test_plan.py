import pytest
from coco_sets import save_as, write_coco
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmreviewkd.job import (
    AS_CONFIGURED,
    CONTROLS,
    JobError,
    Method,
    Training,
    unlabeled_methods,
)
from mmreviewkd.job.job_configs import load_configs
from mmreviewkd.job.plan import PseudoLabels, plan_runs


def plan(configs, data, methods=(AS_CONFIGURED, *CONTROLS)):
    runs = plan_runs(load_configs(configs, data), data.root.parent / 'work', methods)
    return {run.name: run for run in runs}


def test_runs_differ_in_what_they_should(configs, masks):
    runs = plan(configs, masks)
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
    assert runs['random_teacher'].needs is None
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


def test_randomness_keeps_all_but_the_seed(configs, boxes):
    options = {'randomness.deterministic': True}
    cfgs = load_configs(configs, boxes, options=options)
    cfgs['student'].randomness.seed = 7
    for run in plan_runs(cfgs, boxes.root, seeds=(3,)):
        assert run.config.randomness == dict(deterministic=True, seed=3)


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


def test_unlabeled_images(configs, boxes, tmp_path, monkeypatch):
    save_as('plain', write_coco(tmp_path / 'more') / 'more.png')
    # Runs are done in any folder.
    monkeypatch.chdir(tmp_path)
    runs = plan(configs, boxes, [AS_CONFIGURED, *unlabeled_methods('more', 0.3)])
    assert list(runs)[2:] == ['distilled', 'distilled_unlabeled', 'distilled_pseudo']
    distilled, unlabeled, pseudo = list(runs.values())[2:]
    (labeled, images), (_, others, labels) = (
        run.config.train_dataloader.dataset.datasets for run in (unlabeled, pseudo)
    )
    assert labeled == distilled.config.train_dataloader.dataset
    assert images.folder == others.folder == str(tmp_path / 'more')
    path = runs['teacher'].folder / 'pseudo_labels_0.3.json'
    assert others.exclude == [str(path)] and labels.ann_file == str(path)
    assert unlabeled.pseudo_labels is None
    assert pseudo.pseudo_labels == PseudoLabels(
        path, runs['teacher'], str(tmp_path / 'more'), 0.3
    )
    # The student alone does not see them, and the model is the same.
    alone = runs['student'].config.train_dataloader
    assert alone == distilled.config.train_dataloader
    assert pseudo.config.model == unlabeled.config.model == distilled.config.model


def test_unlabeled_images_that_cannot_be_added(configs, boxes, tmp_path):
    missing = unlabeled_methods(str(tmp_path / 'none'))
    with pytest.raises(JobError, match='--unlabeled .*none: .* is not there'):
        plan(configs, boxes, missing)
    cfgs = load_configs(configs, boxes)
    del cfgs['teacher']
    folder = str(boxes.root / 'images')
    with pytest.raises(JobError, match='does not know the classes of the data'):
        plan_runs(cfgs, tmp_path, unlabeled_methods(folder, 0.5))
    assert len(plan_runs(cfgs, tmp_path, unlabeled_methods(folder))) == 2


def test_methods_with_one_teacher(configs, boxes):
    fitnet = dict(type='FeatureDistillation', loss_weight=2.0)
    pair = [dict(type='A'), dict(type='B')]
    methods = [
        Method('fitnet', dict(distillation=fitnet)),
        Method('pair', dict(distillation=pair), ['mine']),
    ]
    cfgs = load_configs(configs, boxes, Training(epochs=3), {'model.inherit': ()})
    runs = plan_runs(cfgs, boxes.root, methods, (2, 1, 2), one_teacher=True)
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
