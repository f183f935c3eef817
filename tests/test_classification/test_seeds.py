import json

import pytest
import torch
import toys
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


def test_results_of_former_seeds_stay(cifar, tmp_path):
    def seeds_after(*seeds):
        train_seeds(plain(cifar, epochs=1), seeds, tmp_path)
        return set(json.loads((tmp_path / 'results.json').read_text()))

    assert seeds_after(0) == {'0'}
    assert seeds_after(3) == {'0', '3'}
    (tmp_path / 'seed_0.pth').unlink()
    assert seeds_after(4) == {'3', '4'}


def test_another_config_does_not_go_on_from_seeds_of_a_former_one(cifar, tmp_path):
    train_seeds(plain(cifar, epochs=1), [0], tmp_path)
    trained = weights(tmp_path, 0)
    cfg = plain(cifar, epochs=1)
    cfg.optim_wrapper.optimizer.lr = 0.02
    with pytest.raises(UsageError, match=r'optimizer\.lr: 0\.05 -> 0\.02'):
        train_seeds(cfg, [0, 3], tmp_path)
    assert_same(trained, weights(tmp_path, 0))
    assert not (tmp_path / 'seed_3.pth').exists()
    # Without a trained seed nothing is lost.
    (tmp_path / 'seed_0.pth').unlink()
    assert train_seeds(cfg, [0], tmp_path)
    # Former versions kept no config.
    (tmp_path / 'config.py').unlink()
    said = []
    train_seeds(cfg, [0], tmp_path, say=said.append)
    assert 'kept no config.py' in said[0]


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


def test_learning_rate_falls_at_a_step(cifar, tmp_path):
    """With two steps in an epoch, the fourth step is the end of the second epoch."""
    by_steps = plain(cifar)
    by_steps.param_scheduler = dict(
        type='MultiStepLR', by_epoch=False, milestones=[4], gamma=0.1
    )
    train_seeds(plain(cifar), [0], tmp_path / 'epochs')
    train_seeds(by_steps, [0], tmp_path / 'steps')
    assert_same(weights(tmp_path / 'epochs', 0), weights(tmp_path / 'steps', 0))


def test_parts_keep_their_own_learning_rates(cifar, tmp_path):
    cfg = plain(cifar, epochs=1)
    cfg.optim_wrapper.paramwise_cfg = dict(custom_keys=dict(head=dict(lr_mult=0.0)))
    for epochs in (1, 2):
        cfg.train_cfg.max_epochs = epochs
        train_seeds(cfg, [0], tmp_path / f'{epochs}')
    one, two = weights(tmp_path / '1', 0), weights(tmp_path / '2', 0)
    moved = [name for name in one if not torch.equal(one[name], two[name])]
    assert any(name.startswith('backbone') for name in moved)
    assert 'head.weight' not in moved


def test_model_is_of_the_runs_library(cifar, tmp_path, other_library):
    other_library.register_module('Net', module=toys.Classifier)
    cfg = plain(cifar, epochs=1)
    cfg.default_scope = 'other'
    # MMEngine's configs may have it beside the model.
    cfg.data_preprocessor = cfg.model.data_preprocessor
    cfg.model = dict(type='Net', classes=4)
    train_seeds(cfg, [0], tmp_path / 'work')
    assert 'head.weight' in weights(tmp_path / 'work', 0)


@pytest.mark.parametrize(
    'field, value, message',
    [
        ('optim_wrapper.clip_grad', dict(max_norm=1.0), r'optim_wrapper\.clip_grad'),
        ('optim_wrapper.type', 'BFloat16OptimWrapper', 'type=BFloat16OptimWrapper'),
        ('optim_wrapper.accumulative_counts', 2, 'accumulative_counts'),
        ('param_scheduler.0.begin', 1, r'param_scheduler\.begin'),
        ('auto_scale_lr', dict(enable=True, base_batch_size=1), 'auto_scale_lr'),
        ('load_from', 'start.pth', 'load_from'),
        ('train_dataloader.sampler.shuffle', False, r'train_dataloader\.sampler'),
        ('custom_hooks', [dict(type='EMAHook')], 'the hook EMAHook'),
        ('train_cfg', dict(_delete_=True, max_iters=9), r'train_cfg\.max_epochs'),
    ],
)
def test_what_is_not_followed_is_refused(cifar, tmp_path, field, value, message):
    cfg = plain(cifar)
    cfg.merge_from_dict({field: value})
    with pytest.raises(UsageError, match=message):
        train_seeds(cfg, [0], tmp_path / 'work')
    assert not (tmp_path / 'work').exists()


def test_other_schedules_are_refused(cifar, tmp_path):
    cfg = plain(cifar)
    cfg.param_scheduler[0].type = 'CosineAnnealingLR'
    with pytest.raises(UsageError, match='has to be one MultiStepLR'):
        train_seeds(cfg, [0], tmp_path)
