"""What tests have other processes do.

A module of its own, since a new process imports by name what it is to call. The name
of a test's module begins with ``tests``, and some packages install one of this name.
"""

import os
import signal
import time

from torch import distributed

from mmreviewkd.hooks.agreement import Agreement


def crash(job, report):
    report(stage='training step', strides='8')
    os.kill(os.getpid(), signal.SIGSEGV)


def compute(job, report):
    report(stage='stock build')
    while True:
        pass


def sleep(job, report):
    report(stage='prediction')
    time.sleep(600)


def leave(job, report):
    report(stage='build')
    os._exit(3)


def agree(rank, store, numbers, my_turn, done, answers):
    distributed.init_process_group(
        'gloo', init_method=f'file://{store}', rank=rank, world_size=2
    )
    agreement = Agreement()
    for number in numbers:
        assert my_turn.acquire(timeout=60)
        answers.put((rank, agreement.highest(number)))
        done.release()
    distributed.destroy_process_group()
