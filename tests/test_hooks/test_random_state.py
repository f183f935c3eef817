"""Runs that are killed at any step end in the weights of an uninterrupted one."""

import os
import random
import signal

import numpy as np
import pytest
import torch
import toys
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmreviewkd.files import last_whole_checkpoint

EPOCHS = 3
STEPS = 4  # an epoch


class Images(Dataset):
    """Draws from all generators, as augmentation does."""

    metainfo = dict(classes=('a', 'b', 'c'))

    def __len__(self):
        return 2 * STEPS

    def __getitem__(self, index):
        data = toys.batch(sizes=((64, 64),), seed=index)
        image = data['inputs'][0].float()
        image += 10 * np.random.rand() + 10 * random.random() + 10 * torch.rand(1)
        return dict(inputs=image, data_samples=data['data_samples'][0])


class Kill(Hook):
    def __init__(self, step):
        self.step = step

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


class Noise(Hook):
    """What evaluation may do to the generators after the checkpoint is written."""

    priority = 'LOWEST'

    def after_train_epoch(self, runner):
        random.random(), np.random.rand(), torch.rand(1)


def train(config, folder, hooks=()):
    checkpoint = last_whole_checkpoint(folder)
    runner = Runner(
        model=config,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=Images(),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.001)),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=EPOCHS)],
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook', interval=1, backend_args=dict(backend='atomic')
            ),
            random_state=dict(type='RandomStateHook'),
        ),
        custom_hooks=[dict(type='EMAHook'), Noise(), *hooks],
        default_scope='mmdet',
        experiment_name=f'{folder.name}-{os.getpid()}-{checkpoint}',
        randomness=dict(seed=0),
        resume=checkpoint is not None,
        load_from=checkpoint and str(checkpoint),
    )
    runner.train()


def train_until_killed(config, folder, step):
    """In a process of its own. Returns the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            train(config, folder, [Kill(step)])
        finally:
            os._exit(1)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def weights(folder):
    content = torch.load(folder / f'epoch_{EPOCHS}.pth', weights_only=False)
    return content['state_dict'] | {
        f'ema {name}': value for name, value in content['ema_state_dict'].items()
    }


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('teacher')
    return toys.distilled(toys.save_teacher(toys.detector(), folder / 'teacher.pth'))


@pytest.fixture(scope='module')
def uninterrupted(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp('uninterrupted')
    train(config, folder)
    return weights(folder)


@pytest.mark.parametrize('kills', [(1,), (5, 9), (4, 6, 7, 11)])
def test_killed_and_resumed(config, uninterrupted, tmp_path, kills):
    for step in kills:
        assert train_until_killed(config, tmp_path, step) == signal.SIGKILL
    train(config, tmp_path)
    resumed = weights(tmp_path)
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        assert torch.equal(resumed[name], value), name


def test_training_that_only_starts_from_a_checkpoint_draws_anew(
    config, uninterrupted, tmp_path
):
    """Its weights, but not its random numbers, are those of the checkpoint."""
    train(config, tmp_path / 'first')
    states = []

    class Look(Hook):
        priority = 'LOWEST'

        def before_train_epoch(self, runner):
            states.append(torch.get_rng_state())

    for load_from in (None, str(tmp_path / 'first' / 'epoch_3.pth')):
        runner = Runner(
            model=config,
            work_dir=str(tmp_path / f'second-{load_from is None}'),
            train_dataloader=dict(
                batch_size=2, sampler=dict(type='DefaultSampler'), dataset=Images()
            ),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.001)),
            custom_hooks=[dict(type='RandomStateHook'), Look()],
            default_scope='mmdet',
            experiment_name=f'second-{load_from}',
            randomness=dict(seed=0),
            load_from=load_from,
        )
        runner.train()
    assert torch.equal(*states)
