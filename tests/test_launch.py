import os
import signal
import time
from pathlib import Path

import pytest
import torch
from torch import distributed, nn

from mmreviewkd.errors import UsageError
from mmreviewkd.launch import hold_work_dir, is_for_the_user, run_script
from mmreviewkd.model_config import resolve_model_config
from mmreviewkd.names import clock


def gloo_threads():
    """Names of the threads in which gloo works."""
    names = [task.read_text() for task in Path('/proc/self/task').glob('*/comm')]
    return [name for name in names if 'gloo' in name]


@pytest.fixture
def train(tmp_path):
    """A script's main function: a step as one of several processes would do it."""

    def main():
        distributed.init_process_group(
            'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
        )
        model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
        model(torch.ones(1, 2)).sum().backward()
        assert gloo_threads()
        return model

    yield main
    if distributed.is_initialized():
        distributed.destroy_process_group()


def test_no_thread_is_left_of_the_processes(train):
    run_script(train)
    assert not gloo_threads()


def test_no_thread_is_left_where_a_run_is_preempted(train):
    def main():
        model = train()  # noqa: F841  alive when the run ends, as a runner's is
        raise SystemExit(143)

    with pytest.raises(SystemExit) as end:
        run_script(main)
    assert end.value.code == 143
    assert not gloo_threads()


def test_an_error_is_raised_at_once(train):
    """Others may wait for this process: it must not wait for them."""

    def main():
        train()
        raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'):
        run_script(main)
    assert distributed.is_initialized()


def test_without_other_processes():
    run_script(lambda: None)
    with pytest.raises(SystemExit) as end:
        run_script(lambda: exit(2))
    assert end.value.code == 2


def fail(kind):
    raise kind('of a test, outside of the package')


@pytest.mark.parametrize(
    'cause',
    [
        lambda: fail(ValueError),
        lambda: fail(KeyError),
        # Of this package's own code, but by no `raise`.
        lambda: clock('soon'),
        lambda: torch.zeros(2) @ torch.zeros(3),
    ],
)
def test_faults_of_programs_have_a_traceback(cause):
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        cause()
    assert not is_for_the_user(caught.value)


@pytest.mark.parametrize(
    'cause',
    [
        lambda: fail(UsageError),
        lambda: fail(FileNotFoundError),
        lambda: resolve_model_config(dict(no='type')),
        lambda: resolve_model_config(3),
    ],
)
def test_what_the_package_states_is_for_the_user(cause):
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        cause()
    assert is_for_the_user(caught.value)


def test_interrupted(capsys):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        run_script(main)
    assert end.value.code == 130
    assert capsys.readouterr().err == '\ninterrupted\n'


def test_a_work_dir_is_for_one_training(tmp_path):
    ready, held = os.pipe()
    child = os.fork()
    if child == 0:
        file = hold_work_dir(tmp_path)
        worker = os.fork()  # as data loading does; it lives longer
        if worker == 0:
            time.sleep(60)
        os.write(held, str(worker).encode())
        time.sleep(60)
        file.close()
    worker = int(os.read(ready, 100))
    with pytest.raises(UsageError, match=f'process {child} on .* is training there'):
        hold_work_dir(tmp_path)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    hold_work_dir(tmp_path).close()
    os.kill(worker, signal.SIGKILL)
