"""Running a job in a process of its own."""

import multiprocessing
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from .check import check
from .jobs import Job
from .reasons import explain_end


def run_job(job: Job, cpu: int, wall: int, task: Callable = check) -> dict[str, Any]:
    """Run a job in a process, whose end or crash does no harm to others.

    Args:
        job (Job): The job.
        cpu (int): Its limit of CPU time in seconds.
        wall (int): Its limit of time in seconds.
        task (Callable): What is run with the job and a function that takes what is
            found, see :func:`check`. Defaults to it.

    Returns:
        dict: All that was found; with ``cause`` and ``reason`` where it failed.
    """
    # The server imports MMDetection once, and forks a process for each job.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([check.__module__])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(task, job, sender, cpu), daemon=True)
    process.start()
    sender.close()
    process.join(wall)
    end = explain_end(process.exitcode, cpu, wall)
    process.kill()
    found: dict[str, Any] = {}
    try:
        while True:
            found |= receiver.recv()
    except EOFError:
        receiver.close()
    if end:
        found['cause'], found['reason'] = end
    return found


def _run(task: Callable, job: Job, sender: Connection, cpu: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    task(job, lambda **found: sender.send(found))
