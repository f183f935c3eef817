"""Classifiers by the stock runner: trained, distilled, tested and published."""

from importlib.util import find_spec

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmreviewkd.benchmark import benchmark
from mmreviewkd.distillers import publish_student
from mmreviewkd.files import configs_folder
from mmreviewkd.model_card import write_model_card

CIFAR = configs_folder() / 'classification' / 'cifar100'
# onedl-mmpretrain has the same name.
needs_mmpretrain = pytest.mark.skipif(
    find_spec('mmpretrain') is None,
    reason='neither mmpretrain nor onedl-mmpretrain is installed',
)
SMALL = dict(depth=8, channels=[8, 8, 16, 16])


def shorten(cfg, data, work_dir):
    """Two epochs of four steps."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[loader].dataset.root = str(data)
        cfg[loader].batch_size = 16
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.val_evaluator.topk = cfg.test_evaluator.topk = (1, 2)
    cfg.optim_wrapper.optimizer.lr = 0.05
    cfg.randomness = dict(seed=0)
    cfg.work_dir = str(work_dir)
    cfg.launcher = 'none'
    cfg.env_cfg = dict(dist_cfg=dict(backend='gloo'))
    return cfg


def plain(data, work_dir):
    cfg = shorten(Config.fromfile(CIFAR / 'resnet8x4.py'), data, work_dir)
    cfg.model.update(num_classes=4)
    cfg.model.backbone.update(SMALL)
    return cfg


def distilled(data, work_dir, teacher):
    path = CIFAR / 'reviewkd_resnet32x4_resnet8x4.py'
    cfg = shorten(Config.fromfile(path), data, work_dir)
    small = dict(num_classes=4, backbone=SMALL)
    cfg.model.student = dict(small, _base_=cfg.model.student)
    cfg.model.teacher.merge(small)
    cfg.model.teacher_checkpoint = str(teacher)
    cfg.custom_hooks[0].warmup = 0.5
    return cfg


@pytest.fixture
def teacher(cifar, tmp_path):
    Runner.from_cfg(plain(cifar, tmp_path / 'teacher')).train()
    return tmp_path / 'teacher' / 'epoch_2.pth'


def test_student_is_distilled_tested_and_published(cifar, tmp_path, teacher):
    cfg = distilled(cifar, tmp_path / 'student', teacher)
    Runner.from_cfg(cfg).train()
    checkpoint = tmp_path / 'student' / 'epoch_2.pth'
    published, weights = publish_student(cfg, str(checkpoint), tmp_path / 'out')

    # Colours of four classes are learned in a few steps.
    tested = []
    for again, state in (
        (Config.fromfile(published), weights),
        (plain(cifar, tmp_path / 'test'), checkpoint),
    ):
        again.test_dataloader.dataset.root = str(cifar)
        again.update(work_dir=str(tmp_path / 'test'), load_from=str(state))
        tested.append(Runner.from_cfg(again).test())
    assert tested[0] == tested[1]
    assert tested[0]['accuracy/top2'] >= tested[0]['accuracy/top1'] >= 25
    # A classifier of this package needs the package, but neither teacher nor hooks.
    alone = Config.fromfile(published)
    assert alone.custom_imports.imports == ['mmreviewkd']
    assert 'frozen_teacher' not in alone.default_hooks
    assert not any('distillation' in n for n in torch.load(weights)['state_dict'])


def test_weight_zero_trains_as_without_a_teacher(cifar, tmp_path, teacher):
    runs = []
    for name, weight in (('alone', None), ('zero', 0.0)):
        if weight is None:
            cfg = plain(cifar, tmp_path / name)
        else:
            cfg = distilled(cifar, tmp_path / name, teacher)
            cfg.model.distillation.loss_weight = weight
            # It refuses a distillation that learns nothing.
            del cfg.default_hooks['frozen_teacher']
        Runner.from_cfg(cfg).train()
        path = tmp_path / name / 'epoch_2.pth'
        runs.append(torch.load(path, weights_only=False)['state_dict'])
    for name, value in runs[0].items():
        assert torch.equal(value, runs[1][name]), name


def test_costs_are_measured(cifar, tmp_path):
    cfg = distilled(cifar, tmp_path, 'random')
    result = benchmark(cfg, (32, 32), 4, rounds=1, warmup=0, say=lambda _: None)
    assert result['distilled step']['seconds'] > 0


def of_mmpretrain(depth):
    return dict(
        type='ImageClassifier',
        _scope_='mmpretrain',
        backbone=dict(type='ResNet_CIFAR', depth=depth, out_indices=(0, 1, 2, 3)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead',
            num_classes=4,
            in_channels=512,
            loss=dict(type='CrossEntropyLoss'),
        ),
        # Without a type, as in its own configs.
        data_preprocessor=dict(num_classes=4, mean=[127] * 3, std=[60] * 3),
    )


@needs_mmpretrain
def test_classifiers_of_mmpretrain_are_students_and_teachers(tmp_path):
    from mmpretrain.structures import DataSample

    from mmreviewkd.model_config import build_model

    config = dict(
        type='DistilledModel',
        student=of_mmpretrain(18),
        teacher=of_mmpretrain(34),
        teacher_checkpoint='random',
        student_features='backbone',
        teacher_features='backbone',
        distillation=dict(
            type='FeatureDistillation',
            connector=dict(type='ReviewConnector'),
            loss=dict(type='HCLLoss'),
        ),
    )
    model = build_model(config, 'mmengine')
    model.init_weights()
    samples = [DataSample().set_gt_label(n) for n in (0, 3)]
    losses = model.train()(torch.randn(2, 3, 32, 32), samples, mode='loss')
    assert losses['loss_distill'] > 0
    model.parse_losses(losses)[0].backward()

    state = dict(state_dict=model.state_dict())
    torch.save(state, tmp_path / 'epoch_1.pth')
    cfg = Config(dict(model=config, val_evaluator=dict(type='Accuracy')))
    published, _ = publish_student(cfg, str(tmp_path / 'epoch_1.pth'), tmp_path)
    assert Config.fromfile(published).custom_imports.allow_failed_imports
    card = write_model_card(tmp_path, cfg, tmp_path / 'epoch_1.pth').read_text()
    assert 'A classifier for MMPretrain' in card and 'from mmpretrain import' in card
