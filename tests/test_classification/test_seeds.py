import json

import pytest
import torch
from mmengine.config import Config

from mmreviewkd.classification.seeds import train_seeds
from mmreviewkd.errors import UsageError
from mmreviewkd.files import configs_folder

CIFAR = configs_folder() / 'classification' / 'cifar100'
SMALL = dict(depth=8, channels=[8, 8, 16, 16])


def config(data, epochs=3, name='resnet8x4', **model):
    pytest.importorskip('torchdistill', reason='torchdistill is not installed')
    cfg = Config.fromfile(CIFAR / f'{name}.py')
    for loader in ('train_dataloader', 'val_dataloader'):
        cfg[loader].dataset.root = str(data)
    cfg.train_dataloader.batch_size = 24
    cfg.train_cfg.update(max_epochs=epochs, val_interval=2)
    cfg.param_scheduler[0].milestones = [2]
    cfg.optim_wrapper.optimizer.lr = 0.05
    cfg.model.update(model)
    return cfg


def plain(data, epochs=3):
    cfg = config(data, epochs, num_classes=4)
    cfg.model.backbone.update(SMALL)
    return cfg


def weights(folder, seed):
    return torch.load(folder / f'seed_{seed}.pth')['state_dict']


def assert_same(one, other):
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_seeds_together_are_as_each_alone_and_as_resumed(cifar, tmp_path):
    assert train_seeds(plain(cifar), [0, 3], tmp_path / 'both')
    train_seeds(plain(cifar), [3], tmp_path / 'alone')
    # Out of time after each epoch.
    calls = [
        train_seeds(plain(cifar), [0, 3], tmp_path / 'resumed', minutes=0)
        for _ in range(3)
    ]
    assert calls == [False, False, True]
    assert_same(weights(tmp_path / 'both', 3), weights(tmp_path / 'alone', 3))
    # Another seed is added; what is done stays.
    train_seeds(plain(cifar), [3, 0], tmp_path / 'alone')
    assert_same(weights(tmp_path / 'both', 0), weights(tmp_path / 'alone', 0))
    for seed in (0, 3):
        found = weights(tmp_path / 'resumed', seed)
        assert_same(weights(tmp_path / 'both', seed), found)
    first = weights(tmp_path / 'both', 0)
    assert not torch.equal(first['head.weight'], found['head.weight'])
    results = json.loads((tmp_path / 'both/results.json').read_text())
    assert {seed: list(one) for seed, one in results.items()} == {
        '0': ['2', '3'],
        '3': ['2', '3'],
    }


def test_learning_rate_falls_as_configured(cifar, tmp_path):
    """Of 0: then the last epoch changes no weight."""
    cfg = plain(cifar)
    cfg.param_scheduler[0].gamma = 0.0
    train_seeds(plain(cifar, epochs=2), [0], tmp_path / 'two')
    train_seeds(cfg, [0], tmp_path / 'three')
    two, three = weights(tmp_path / 'two', 0), weights(tmp_path / 'three', 0)
    for name in ('head.weight', 'head.bias'):
        assert torch.equal(two[name], three[name])


def test_distilled_students_learn_from_the_first_ones(cifar, tmp_path):
    train_seeds(plain(cifar), [0], tmp_path / 'teacher')
    small = dict(num_classes=4, backbone=SMALL)
    losses = []
    for warmup in (0, 1e9):
        cfg = config(cifar, name='reviewkd_resnet32x4_resnet8x4')
        cfg.model.student = dict(small, _base_=cfg.model.student)
        cfg.model.teacher.merge(small)
        cfg.model.teacher_checkpoint = str(tmp_path / 'teacher/seed_0.pth')
        cfg.custom_hooks[0].warmup = warmup
        folder = tmp_path / f'warmup_{warmup:g}'
        train_seeds(cfg, [0], folder, say=losses.append)
        assert any('distillation' in name for name in weights(folder, 0))
    # A strength that stays near 0 leaves the student's own loss.
    values = [float(text.split('loss ')[1].split(';')[0]) for text in losses]
    assert len(values) == 4 and values[0] > 1.5 * values[2]


def test_other_schedules_are_refused(cifar, tmp_path):
    cfg = plain(cifar)
    cfg.param_scheduler[0].type = 'CosineAnnealingLR'
    with pytest.raises(UsageError, match='has to be one MultiStepLR'):
        train_seeds(cfg, [0], tmp_path)
