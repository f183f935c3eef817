import multiprocessing
import os
import signal
import threading
import time

import pytest

from mmreviewkd.hooks import signals
from mmreviewkd.hooks.signals import SIGNALS, listen, stop_listening


@pytest.fixture
def asked():
    """What signals have asked for, while listening to them."""
    numbers = []
    # pytest-xdist ignores it in the processes that run the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    former = [signal.getsignal(one) for one in SIGNALS]
    assert listen(numbers.append)
    yield numbers
    stop_listening()
    assert [signal.getsignal(one) for one in SIGNALS] == former
    signal.signal(signal.SIGINT, before)


def send(signum):
    os.kill(os.getpid(), signum)


def test_signals_ask(asked):
    send(signal.SIGTERM)
    send(signal.SIGINT)
    send(signal.SIGTERM)
    assert asked == [signal.SIGTERM, signal.SIGINT, signal.SIGTERM]


def test_second_ctrl_c_ends_as_usual(asked, monkeypatch, capfd):
    send(signal.SIGINT)
    assert 'once more leaves at once' in capfd.readouterr().err
    monkeypatch.setattr(signals, '_SAME_REQUEST_SECONDS', -1)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    assert asked == [signal.SIGINT]


def test_one_ctrl_c_may_come_twice(asked, monkeypatch):
    """From the terminal, and from the launcher that got it too."""
    monkeypatch.setattr(signals, '_SAME_REQUEST_SECONDS', 60)
    send(signal.SIGINT)
    send(signal.SIGINT)
    assert set(asked) == {signal.SIGINT}


def fork(work=lambda: time.sleep(60)):
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(7)
    return child


def test_forked_processes_are_ended_by_sigterm(asked):
    """Even where it comes before they have run a single instruction."""
    for _ in range(20):
        child = fork()
        os.kill(child, signal.SIGTERM)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
    assert not asked


def test_pool_ends(asked):
    with multiprocessing.get_context('fork').Pool(2) as pool:
        assert pool.map(abs, [-1, 1]) == [1, 1]
    assert not any(process.is_alive() for process in pool._pool)


def test_forked_processes_leave_ctrl_c_to_their_parent(asked):
    child = fork(lambda: send(signal.SIGINT))
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    assert not asked


def test_fork_keeps_what_was_blocked(asked):
    former = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        os.waitpid(fork(lambda: None), 0)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == {
            *former,
            signal.SIGUSR1,
        }
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def test_nothing_listens_outside_of_the_main_thread():
    heard = []
    former = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: heard.append(listen(heard.append)))
    thread.start()
    thread.join()
    assert heard == [False]
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_run_that_failed_leaves_the_handlers_to_the_next(asked):
    numbers = []
    listen(numbers.append)
    send(signal.SIGTERM)
    assert (numbers, asked) == ([signal.SIGTERM], [])
