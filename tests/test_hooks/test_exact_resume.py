"""Runs that are killed at any step end in the weights of an uninterrupted one."""

import os
import random
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toys
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmreviewkd.files import last_whole_checkpoint
from mmreviewkd.hooks import ExactResumeHook, exact_resume

EPOCHS = 3
STEPS = 4  # an epoch
# Each step once, in pairs.
_ORDER = random.Random(0).sample(range(EPOCHS * STEPS), EPOCHS * STEPS)
KILLED = [sorted(pair) for pair in zip(_ORDER[::2], _ORDER[1::2], strict=True)]


class Images(toys.Images):
    """Draws from all generators, as augmentation does."""

    def __getitem__(self, index):
        data = super().__getitem__(index)
        image = data['inputs'].float()
        image += 10 * np.random.rand() + 10 * random.random() + 10 * torch.rand(1)
        return data | dict(inputs=image)


class Send(Hook):
    """Sends the process itself a signal."""

    def __init__(self, signal, step):
        self.signal = signal
        self.step = step

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.step:
            os.kill(os.getpid(), self.signal)


class Noise(Hook):
    """What evaluation may do to the generators after the checkpoint is written."""

    priority = 'LOWEST'

    def after_train_epoch(self, runner):
        random.random(), np.random.rand(), torch.rand(1)


def train(config, folder, hooks=(), **loader):
    checkpoint = last_whole_checkpoint(folder)
    runner = Runner(
        model=config,
        work_dir=str(folder),
        train_dataloader=dict(
            dict(
                batch_size=2,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=Images(2 * STEPS),
            ),
            **loader,
        ),
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.001)),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=EPOCHS)],
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook', interval=1, backend_args=dict(backend='atomic')
            ),
            exact_resume=dict(type='ExactResumeHook'),
            preemption=dict(type='PreemptionHook'),
        ),
        custom_hooks=[dict(type='EMAHook'), Noise(), *hooks],
        default_scope='mmdet',
        experiment_name=f'{folder.name}-{os.getpid()}-{checkpoint}',
        randomness=dict(seed=0),
        resume=checkpoint is not None,
        load_from=checkpoint and str(checkpoint),
    )
    runner.train()


def train_until(signal_, config, folder, step, **loader):
    """In a process of its own. Returns what :func:`os.waitpid` says of its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(config, folder, [Send(signal_, step)], **loader)
        except SystemExit as end:
            code = end.code
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


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


def assert_same_weights(folder, expected):
    got = weights(folder)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(got[name], value), name


@pytest.mark.parametrize('steps', KILLED, ids=str)
def test_killed_twice_and_resumed(config, uninterrupted, tmp_path, steps):
    for step in steps:
        end = train_until(signal.SIGKILL, config, tmp_path, step)
        assert os.WTERMSIG(end) == signal.SIGKILL
    train(config, tmp_path)
    assert_same_weights(tmp_path, uninterrupted)


@pytest.mark.parametrize('steps', [(0,), (2, 5, 6), (3, 7)])
def test_terminated_and_resumed_within_an_epoch(config, uninterrupted, tmp_path, steps):
    for step in steps:
        end = train_until(signal.SIGTERM, config, tmp_path, step)
        assert os.WEXITSTATUS(end) == 143
        path = last_whole_checkpoint(tmp_path)
        assert path.name == f'iter_{step + 1}.pth'
    train(config, tmp_path)
    last = torch.load(tmp_path / f'epoch_{EPOCHS}.pth', weights_only=False)
    assert last['meta']['iter'] == EPOCHS * STEPS
    assert_same_weights(tmp_path, uninterrupted)


@pytest.mark.parametrize('signal_', [signal.SIGKILL, signal.SIGTERM])
def test_workers_that_outlive_an_epoch(config, tmp_path, signal_):
    """Each epoch has all its batches; the images do not draw random numbers here."""
    loader = dict(
        dataset=toys.Images(2 * STEPS), num_workers=1, persistent_workers=True
    )
    (tmp_path / 'resumed').mkdir()
    train(config, tmp_path / 'uninterrupted', **loader)
    train_until(signal_, config, tmp_path / 'resumed', STEPS + 1, **loader)
    train(config, tmp_path / 'resumed', **loader)
    assert_same_weights(tmp_path / 'resumed', weights(tmp_path / 'uninterrupted'))
    logs = [path.read_text() for path in (tmp_path / 'resumed').glob('*/*.log')]
    assert sum('workers that outlive an epoch start anew' in log for log in logs) == 1


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
                batch_size=2,
                sampler=dict(type='DefaultSampler'),
                dataset=Images(2 * STEPS),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.001)),
            custom_hooks=[dict(type='ExactResumeHook'), Look()],
            default_scope='mmdet',
            experiment_name=f'second-{load_from}',
            randomness=dict(seed=0),
            load_from=load_from,
        )
        runner.train()
    assert torch.equal(*states)


def last_step(folder):
    content = torch.load(folder / f'epoch_{EPOCHS}.pth', weights_only=False)
    return content['meta']['iter']


def logs(folder):
    return ''.join(path.read_text() for path in folder.glob('*/*.log'))


def forget_place(path):
    """As checkpoints were before they said how far their epoch was."""
    content = torch.load(path, weights_only=False)
    del content['place_in_epoch']
    torch.save(content, path)


@pytest.mark.parametrize('noted', [True, False])
@pytest.mark.parametrize('batch_size, steps', [(4, 2), (1, 8)])
def test_other_batch_after_an_epoch(config, tmp_path, noted, batch_size, steps):
    """The epochs that are left are whole ones."""
    train_until(signal.SIGKILL, config, tmp_path, STEPS + 1)
    if not noted:
        forget_place(tmp_path / 'epoch_1.pth')
    train(config, tmp_path, batch_size=batch_size)
    assert last_step(tmp_path) == STEPS + 2 * steps
    assert 'begins anew' not in logs(tmp_path)


def test_other_batch_within_an_epoch(config, tmp_path):
    """The epoch begins anew, and later interruptions are resumed from where it is."""
    train_until(signal.SIGTERM, config, tmp_path, STEPS + 1)
    train_until(signal.SIGTERM, config, tmp_path, STEPS + 4, batch_size=1)
    assert 'within an epoch of 4 steps, while an epoch now has 8' in logs(tmp_path)
    # Three steps into the epoch, after two that are done again.
    path = last_whole_checkpoint(tmp_path)
    assert path.name == f'iter_{STEPS + 5}.pth'
    train(config, tmp_path, batch_size=1)
    assert last_step(tmp_path) == STEPS + 2 + 2 * 8


def test_former_checkpoint_within_an_epoch(config, uninterrupted, tmp_path):
    train_until(signal.SIGTERM, config, tmp_path, STEPS + 1)
    forget_place(last_whole_checkpoint(tmp_path))
    train(config, tmp_path)
    assert_same_weights(tmp_path, uninterrupted)


@pytest.mark.parametrize(('step', 'lost'), [(0, None), (8, None), (10, '2 batches')])
def test_accumulated_gradients_that_are_lost_are_told_of(step, lost, monkeypatch):
    """A step of the optimizer takes four batches."""
    said = []
    monkeypatch.setattr(exact_resume, 'print_log', lambda text, **_: said.append(text))
    runner = SimpleNamespace(
        iter=step,
        train_dataloader=torch.utils.data.DataLoader(range(8)),
        train_loop=IterBasedTrainLoop.__new__(IterBasedTrainLoop),
        optim_wrapper=SimpleNamespace(_accumulative_counts=4),
    )
    ExactResumeHook().before_train_epoch(runner)
    assert len(said) == bool(lost)
    assert not lost or f'the gradients of {lost}, accumulated before' in said[0]
