import pytest
import torch
import toys
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmreviewkd.hooks.frozen_teacher import fingerprint


class Change(Hook):
    def __init__(self, change):
        self.change = change

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.change(runner.model)


@pytest.fixture
def config(tmp_path):
    return toys.distilled(toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth'))


def train(config, folder, change=lambda model: None, lr=0.001, epochs=2):
    runner = Runner(
        model=config,
        work_dir=str(folder / 'run'),
        train_dataloader=dict(
            batch_size=2, sampler=dict(type='DefaultSampler'), dataset=toys.Images(4)
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.001),
            paramwise_cfg=dict(
                custom_keys=dict(distillation=dict(lr_mult=lr / 0.001)),
                bypass_duplicate=True,
            ),
        ),
        default_hooks=dict(frozen_teacher=dict(type='FrozenTeacherHook')),
        custom_hooks=[Change(change)],
        default_scope='mmdet',
        experiment_name=folder.name,
    )
    runner.train()


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


def test_distillation_that_is_not_trained(config, tmp_path):
    # Group normalisation keeps no statistics, which would change.
    config['distillation']['connector']['norm_cfg'] = dict(type='GN', num_groups=2)
    with pytest.raises(RuntimeError, match="distillation's weights have not changed"):
        train(config, tmp_path, lr=0.0)


def test_it_need_not_change_where_nothing_is_distilled(config, tmp_path):
    config['distillation']['loss_weight'] = 0.0
    train(config, tmp_path)
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def test_plain_model_is_refused(tmp_path):
    with pytest.raises(TypeError, match='needs a DistilledDetector, got FasterRCNN'):
        train(toys.detector(), tmp_path)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.int64])
def test_fingerprint_sees_every_bit(dtype):
    module = torch.nn.Module()
    module.register_buffer('values', torch.arange(6).reshape(2, 3).to(dtype))
    module.register_buffer('scalar', torch.tensor(1).to(dtype))
    before = fingerprint(module)
    assert fingerprint(module) == before
    module.values[1, 2] += 1
    after = fingerprint(module)
    module.scalar += 1
    assert len({before, after, fingerprint(module)}) == 3
