"""Asking the training process, and it alone, to leave by a signal."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

# One request from a terminal may come twice: launchers pass on what they get.
_SAME_REQUEST_SECONDS = 1.0

# What handled the signals before; empty while nothing of ours does.
_former: dict[int, Any] = {}
# Per thread, as masks are.
_mask = threading.local()


def listen(ask: Callable[[int], None]) -> bool:
    """Have SIGTERM and SIGINT (Ctrl-C) ask, instead of ending the process.

    A second SIGINT does what it did before. Processes that are forked meanwhile handle
    SIGTERM as before, so that their parent can end them, and leave SIGINT to it: a
    terminal sends that to both.

    Args:
        ask (Callable): Is called with the signal's number, between two instructions
            of the main thread.

    Returns:
        bool: False outside of the main thread, where nothing can listen.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    stop_listening()
    asked_at: float | None = None

    def handle(signum: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if signum == signal.SIGINT:
            if asked_at is not None and now - asked_at > _SAME_REQUEST_SECONDS:
                stop_listening()
                signal.raise_signal(signum)
                return
            if asked_at is None:
                # Past sys.stderr, which may be at work.
                os.write(2, b'\nsaving a checkpoint first; once more leaves at once\n')
                asked_at = now
        ask(signum)

    for signum in SIGNALS:
        _former[signum] = signal.signal(signum, handle)
    return True


def stop_listening() -> None:
    """Give the signals back to what handled them before, if :func:`listen` took them.

    For what calls a runner's ``train``: where that raises an error, nothing else does.
    """
    while _former:
        signum, handler = _former.popitem()
        signal.signal(signum, handler or signal.SIG_DFL)


def _before_fork() -> None:
    # A signal that reaches the child before it has its own handlers would be lost.
    _mask.former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.former)


def _in_child() -> None:
    if _former:
        stop_listening()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _after_fork()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child
)
