"""Training through ``tools/train.py`` while things go wrong.

The short form is for each commit. The long one kills runs at random moments:

    KILLS=100 python -m pytest -n 0 -s tests/test_faults.py -k random_moments
"""

import collections
import os
import random
import resource
import signal
import time

import forked
import pytest
import torch
from mmengine.hooks import Hook, IterTimerHook
from mmengine.runner import Runner
from runs import tiny_demo

from mmreviewkd.datasets.digits import make_digits

EPOCHS = 3
STEPS = 2  # an epoch


def write_config(folder):
    data = make_digits(folder / 'digits', 4 * STEPS, 2, seed=0)
    cfg = tiny_demo(data, folder, EPOCHS)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    cfg.val_dataloader.batch_size = 1
    cfg.dump(folder / 'config.py')
    return folder / 'config.py'


def start(config, work_dir, *flags, before=lambda: None):
    """Train in a forked process; return its number."""

    def work():
        before()
        forked.script('train.py', config, '--work-dir', work_dir, *flags)

    work_dir.mkdir(parents=True, exist_ok=True)
    return forked.start(work, work_dir / 'console.txt')


def train(config, work_dir, *flags, before=lambda: None):
    return forked.end(start(config, work_dir, *flags, before=before))


def weights(work_dir):
    path = work_dir / f'epoch_{EPOCHS}.pth'
    return torch.load(path, weights_only=False)['state_dict']


def differing(work_dir, expected):
    """Names of weights that are not as they should be."""
    got = weights(work_dir)
    assert got.keys() == expected.keys()
    return [
        name for name, value in expected.items() if not torch.equal(got[name], value)
    ]


def console(work_dir):
    return (work_dir / 'console.txt').read_text()


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config'))


@pytest.fixture(scope='module')
def uninterrupted(config, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('uninterrupted')
    assert train(config, work_dir) == 0
    return weights(work_dir)


def replace(owner, name, make):
    """Replace a function by what ``make`` makes of it, in this process for good."""
    setattr(owner, name, make(getattr(owner, name)))


def at(count, function, after=False):
    """Kill the process in the given call."""
    calls = []

    def call(*args, **kwargs):
        calls.append(None)
        if len(calls) == count and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


KILLS = {
    'in the first step': lambda: replace(
        IterTimerHook, 'before_train_iter', lambda f: at(1, f)
    ),
    'after a step': lambda: replace(
        IterTimerHook, 'after_train_iter', lambda f: at(3, f)
    ),
    # The first checkpoint, and the second.
    'while a first checkpoint is written': lambda: replace(
        os, 'fsync', lambda f: at(1, f)
    ),
    'while a checkpoint is written': lambda: replace(os, 'fsync', lambda f: at(2, f)),
    'before a checkpoint is named the last': lambda: replace(
        os, 'replace', lambda f: at(2, f, after=True)
    ),
    'in evaluation': lambda: replace(
        IterTimerHook, 'after_val_iter', lambda f: at(3, f)
    ),
}


@pytest.mark.parametrize('where', KILLS)
def test_killed_and_resumed(config, uninterrupted, tmp_path, where):
    assert train(config, tmp_path, before=KILLS[where]) == -signal.SIGKILL
    assert train(config, tmp_path, '--resume') == 0, console(tmp_path)
    assert not differing(tmp_path, uninterrupted)
    assert not list(tmp_path.glob('.*unfinished'))


class Limit(Hook):
    """From the second epoch on, files may not get larger than a tiny checkpoint."""

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))


def with_hook(hook):
    """Have each runner use a hook."""

    def make(build):
        def from_cfg(cfg):
            runner = build(cfg)
            runner.register_hook(hook)
            return runner

        return from_cfg

    return lambda: replace(Runner, 'from_cfg', make)


def test_no_space_for_a_checkpoint(config, uninterrupted, tmp_path):
    """The former one stays, the error names the file, and the run can go on later."""
    assert train(config, tmp_path, before=with_hook(Limit())) == 1
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['epoch_1.pth']
    assert f"File too large: '{tmp_path / 'epoch_2.pth'}'\n" in console(tmp_path)
    assert not list(tmp_path.glob('.*unfinished'))
    assert train(config, tmp_path, '--resume') == 0
    assert not differing(tmp_path, uninterrupted)


class Wait(Hook):
    """Waits within training for a line in a pipe."""

    def __init__(self):
        self.started, self.start = os.pipe()
        self.release, self.go = os.pipe()

    def before_train_epoch(self, runner):
        if runner.epoch == 0:
            os.write(self.start, b'.')
            os.read(self.release, 1)


def test_second_training_in_a_work_dir_is_refused(config, uninterrupted, tmp_path):
    wait = Wait()
    first = start(config, tmp_path, before=with_hook(wait))
    os.read(wait.started, 1)
    assert train(config, tmp_path, '--resume') == 2
    assert f'process {first} on' in console(tmp_path)
    os.write(wait.go, b'.')
    assert forked.end(first) == 0
    assert not differing(tmp_path, uninterrupted)


def jump():
    """Have the clock jump by up to a year to and fro."""
    jumps = random.Random(0)
    replace(time, 'time', lambda clock: lambda: clock() + jumps.uniform(-3e7, 3e7))


def test_clock_that_jumps(config, uninterrupted, tmp_path):
    """And files whose times are those of other clocks."""

    def kill_in_evaluation():
        jump()
        KILLS['in evaluation']()

    assert train(config, tmp_path, before=kill_in_evaluation) == -signal.SIGKILL
    for number, path in enumerate(sorted(tmp_path.glob('*.pth'), reverse=True)):
        os.utime(path, (1 + 1e9 * number,) * 2)
    assert train(config, tmp_path, '--resume', before=jump) == 0, console(tmp_path)
    assert not differing(tmp_path, uninterrupted)


def test_nothing_is_trained_over_damaged_checkpoints(config, tmp_path):
    (tmp_path / 'epoch_2.pth').write_bytes(b'damaged')
    assert train(config, tmp_path, '--resume') == 2
    assert 'move them away to start anew' in console(tmp_path)
    assert (tmp_path / 'epoch_2.pth').read_bytes() == b'damaged'


def processor_seconds():
    """Time that the processes which have ended so far were at work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.skipif('KILLS' not in os.environ, reason='long: see the first lines')
def test_killed_at_random_moments(config, tmp_path):
    """Until a run is done, then the next one; each ends in the same weights."""
    moments = random.Random(0)
    counts = collections.Counter()
    begin = processor_seconds()
    assert train(config, tmp_path / 'whole') == 0
    duration = processor_seconds() - begin
    expected = weights(tmp_path / 'whole')

    def kill_at_random():
        """In a write, or else after some time at work, however busy the machine is."""
        if write:
            replace(os, 'fsync', lambda f: at(write, f))
        else:
            signal.setitimer(signal.ITIMER_PROF, moment)

    while counts['kills'] < int(os.environ['KILLS']):
        work_dir = tmp_path / f'run_{counts["runs"]}'
        code = None
        while code != 0:
            moment = moments.uniform(0.05, duration)
            write = moments.randint(1, EPOCHS) if moments.random() < 0.3 else None
            code = train(config, work_dir, '--resume', before=kill_at_random)
            assert code in (0, -signal.SIGKILL, -signal.SIGPROF), console(work_dir)
            counts['kills'] += code != 0
            counts['kills within a write'] += code == -signal.SIGKILL
        counts['runs'] += 1
        print(dict(counts), flush=True)
        assert not differing(work_dir, expected)
