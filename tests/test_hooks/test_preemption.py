import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
import toys
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmreviewkd.hooks.signals import stop_listening


class At(Hook):
    """Does something after a step."""

    def __init__(self, step, do):
        self.step = step
        self.do = do

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.step:
            self.do()


class Slow(toys.Images):
    """The images after the first step's come late."""

    def __getitem__(self, index):
        if index >= 2:
            time.sleep(1)
        return super().__getitem__(index)


@pytest.fixture
def make_runner(tmp_path):
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')

    def make(*hooks, loader=(), **checkpoint_hook):
        return Runner(
            model=toys.distilled(checkpoint),
            work_dir=str(tmp_path / 'run'),
            train_dataloader=dict(
                dict(
                    batch_size=2,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    dataset=toys.Images(8),
                ),
                **dict(loader),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.001)),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=1, **checkpoint_hook),
                preemption=dict(type='PreemptionHook'),
            ),
            custom_hooks=list(hooks),
            default_scope='mmdet',
            experiment_name=str(tmp_path),
        )

    yield make
    stop_listening()


@pytest.mark.parametrize('signum, code', [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_leaves(make_runner, tmp_path, signum, code):
    with pytest.raises(SystemExit) as end:
        make_runner(At(2, lambda: os.kill(os.getpid(), signum))).train()
    assert end.value.code == code
    saved = torch.load(tmp_path / 'run/iter_2.pth', weights_only=False)
    assert saved['meta']['iter'] == 2


def test_it_saves_where_the_other_checkpoints_are(make_runner, tmp_path):
    runner = make_runner(
        At(1, lambda: os.kill(os.getpid(), signal.SIGTERM)),
        out_dir=str(tmp_path / 'elsewhere'),
        backend_args=dict(backend='atomic'),
    )
    with pytest.raises(SystemExit):
        runner.train()
    saved = tmp_path / 'elsewhere/run/iter_1.pth'
    assert saved.is_file()
    assert not list((tmp_path / 'run').glob('*.pth'))
    # From where MMEngine resumes, too.
    assert Path((tmp_path / 'run/last_checkpoint').read_text()) == saved


def test_ctrl_c_reaches_data_loading_workers_too(make_runner, tmp_path):
    """The run, but not they, answers it: the next batch may be needed to finish."""

    def interrupt():
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    runner = make_runner(
        # While the run waits for the second batch.
        At(1, lambda: threading.Timer(0.2, interrupt).start()),
        loader=dict(dataset=Slow(8), num_workers=1),
    )
    with pytest.raises(SystemExit) as end:
        runner.train()
    assert end.value.code == 130
    assert (tmp_path / 'run/iter_2.pth').is_file()


def test_training_outside_of_the_main_thread(make_runner, tmp_path):
    runner = make_runner()
    thread = threading.Thread(target=runner.train)
    thread.start()
    thread.join()
    (log,) = (tmp_path / 'run').glob('*/*.log')
    assert 'outside of the main thread' in log.read_text()
    assert (tmp_path / 'run/epoch_1.pth').is_file()


def test_handlers_are_given_back(make_runner):
    former = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    make_runner().train()
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == former
