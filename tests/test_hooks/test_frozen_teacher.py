import pytest
import torch
import toys
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmreviewkd.hooks.frozen_teacher import fingerprint
from mmreviewkd.methods import FeatureDistillation

# Group normalisation keeps no statistics, which would change.
GROUPS = dict(type='GN', num_groups=2)


class Change(Hook):
    def __init__(self, change):
        self.change = change

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.change(runner.model)


@pytest.fixture
def config(tmp_path):
    return toys.distilled(toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth'))


class SkippingOptimWrapper(OptimWrapper):
    """Takes no step, as a scaler does where gradients overflow."""

    def step(self, **kwargs):
        pass


def train(config, folder, change=lambda model: None, lr=0.001, epochs=2, **optim):
    runner = Runner(
        model=config,
        work_dir=str(folder / 'run'),
        train_dataloader=dict(
            batch_size=2, sampler=dict(type='DefaultSampler'), dataset=toys.Images(4)
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(
            dict(
                optimizer=dict(type='SGD', lr=0.001),
                paramwise_cfg=dict(
                    custom_keys=dict(distillation=dict(lr_mult=lr / 0.001)),
                    bypass_duplicate=True,
                ),
            ),
            **optim,
        ),
        default_hooks=dict(frozen_teacher=dict(type='FrozenTeacherHook')),
        custom_hooks=[Change(change)],
        default_scope='mmdet',
        experiment_name=folder.name,
    )
    runner.train()
    return runner


def test_training_passes(config, tmp_path):
    train(config, tmp_path)
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def move_weight(model):
    model.teacher.backbone.conv1.weight.data[0] += 1e-6


def move_folded_statistics(model):
    model.teacher.backbone.conv1.bias.data[0] += 1e-6


@pytest.mark.parametrize('change', [move_weight, move_folded_statistics])
def test_changed_teacher(config, tmp_path, change):
    with pytest.raises(RuntimeError, match="teacher's weights or statistics have ch"):
        train(config, tmp_path, change)
    assert not list((tmp_path / 'run').glob('*.pth'))


@pytest.mark.parametrize(
    # Batch normalisation's statistics change even so.
    'norm',
    [GROUPS, dict(type='BN')],
)
def test_distillation_that_is_not_trained(config, tmp_path, norm):
    config['distillation']['connector']['norm_cfg'] = norm
    with pytest.raises(RuntimeError, match="distillation's weights have not changed"):
        train(config, tmp_path, lr=0.0)


def test_loss_without_gradients(config, tmp_path, monkeypatch):
    forward = FeatureDistillation.forward
    monkeypatch.setattr(
        FeatureDistillation,
        'forward',
        lambda *args: {name: loss.detach() for name, loss in forward(*args).items()},
    )
    with pytest.raises(RuntimeError, match='or its loss without gradients'):
        train(config, tmp_path)


@pytest.mark.parametrize(
    'optim',
    [
        dict(accumulative_counts=3),  # a step after the first checkpoint
        dict(type=SkippingOptimWrapper),
        dict(optimizer=dict(type='SGD', lr=0.0)),
    ],
)
def test_it_need_not_change_without_a_step(config, tmp_path, optim):
    config['distillation']['connector']['norm_cfg'] = GROUPS
    train(config, tmp_path, **optim)
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def test_it_need_not_change_where_steps_are_skipped(config, tmp_path):
    config['distillation']['connector']['norm_cfg'] = GROUPS
    config['distillation']['loss_weight'] = float('inf')
    config['non_finite'] = 'skip'
    train(config, tmp_path)
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def test_accumulated_steps_count(config, tmp_path):
    with pytest.raises(RuntimeError, match="distillation's weights have not changed"):
        train(config, tmp_path, lr=0.0, accumulative_counts=2)


def test_optimizer_is_not_watched_after_training(config, tmp_path):
    optimizer = train(config, tmp_path).optim_wrapper.optimizer
    assert not optimizer._optimizer_step_post_hooks


def test_classes_in_another_order(config, tmp_path):
    content = torch.load(config['teacher_checkpoint'])
    content['meta'] = dict(dataset_meta=dict(classes=('c', 'a', 'b')))
    torch.save(content, config['teacher_checkpoint'])
    config['inherit'] = ('roi_head',)
    with pytest.raises(ValueError, match='names the classes in another order'):
        train(config, tmp_path)
    config['inherit'] = ()
    train(config, tmp_path)


def test_it_need_not_change_where_nothing_is_distilled(config, tmp_path):
    config['distillation']['loss_weight'] = 0.0
    train(config, tmp_path)
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def test_plain_model_is_refused(tmp_path):
    with pytest.raises(TypeError, match='needs a DistilledModel, got FasterRCNN'):
        train(toys.detector(), tmp_path)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.int64])
def test_fingerprint_sees_every_bit(dtype):
    values = dict(
        values=torch.arange(6).reshape(2, 3).to(dtype), scalar=torch.tensor(1).to(dtype)
    )
    before = fingerprint(values)
    assert fingerprint(values) == before
    values['values'][1, 2] += 1
    after = fingerprint(values)
    values['scalar'] += 1
    assert len({before, after, fingerprint(values)}) == 3
