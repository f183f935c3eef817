"""Scripts in forked processes, which import nothing anew: that takes most of a run."""

import os
import runpy
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import config as config_module
from mmengine.device import utils as device
from yapf.yapflib import yapf_api

TOOLS = Path(__file__).resolve().parents[1] / 'tools'


def start(work: Callable[[], object], console: Path, **environment: str) -> int:
    """Call a function in a forked process; return the number of the process.

    What it writes is added to the file ``console``.
    """
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        log = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # Not pytest's, which are in the way.
        sys.stdout = open(1, 'w', buffering=1, closefd=False)
        sys.stderr = open(2, 'w', buffering=1, closefd=False)
        os.environ.update(environment)
        # A GPU that the test's process has used is of no use to a fork.
        torch.cuda.is_available = lambda: False
        device.DEVICE = 'cpu'
        # Laying out the config, with each checkpoint, would take most of the time.
        yapf_api.FormatCode = lambda code, **_: (code, True)
        config_module.FormatCode = yapf_api.FormatCode
        work()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # as the interpreter would write it
        traceback.print_exc()
    finally:
        os._exit(code)


def end(child: int) -> int:
    """Wait for a process; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def script(name: str | Path, *args: object) -> None:
    """Run a script of tools/ in this process, as a user would type it."""
    path = TOOLS / name
    sys.argv = [path.name, *map(str, args)]
    runpy.run_path(str(path), run_name='__main__')


def together(work: Callable[[], object], folder: Path, size: int = 2) -> str:
    """Call a function in processes with torchrun's variables; return what they write.

    Each writes to a file of ``folder``. All have to end without an error.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    folder.mkdir(exist_ok=True)
    consoles = [folder / f'rank_{rank}.txt' for rank in range(size)]
    children = [
        start(
            work,
            console,
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(size),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=str(port),
        )
        for rank, console in enumerate(consoles)
    ]
    return joined(children, consoles)


def joined(children: list[int], consoles: list[Path]) -> str:
    """Wait for processes, which have to end without an error; return their texts."""
    codes = [end(child) for child in children]
    said = ''.join(console.read_text() for console in consoles)
    assert not any(codes), f'exit codes {codes}\n{said[-6000:]}'
    return said
