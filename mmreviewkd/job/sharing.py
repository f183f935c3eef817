"""Doing the runs of a job, alone or together with other processes."""

import fcntl
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmreviewkd.files import write_text

from .errors import JobError
from .plan import Run
from .progress import Console, Estimate, ProgressHook
from .runs import read_result, train

_LOCK = 'lock'
_ERROR = 'error.txt'


def do_runs(
    runs: Sequence[Run], console: Console, after_each: Callable[[], None] | None = None
) -> list[Run]:
    """Do the runs that no other process does, until all are done.

    Where nothing is left but what others are doing, wait for them: a run whose
    process ends before it is finished is gone on with here. A run that fails does
    not end the others; those that need it fail too.

    Args:
        runs (Sequence[Run]): The runs, each after the one that it needs.
        console (Console): Where to show how it goes.
        after_each (Callable, optional): Is called after each run that is done here.
            Defaults to None.

    Returns:
        list[Run]: The runs that have failed; a file in the folder of each says why.
    """
    for run in runs:
        (run.folder / _ERROR).unlink(missing_ok=True)
    estimate = Estimate([(run.name, run.config.train_cfg.max_epochs) for run in runs])
    failed: list[Run] = []

    def settle(index: int, wait: bool = False) -> bool:
        """Do a run, or find it done; False if it has to wait for another process."""
        run = runs[index]
        label = f'[{index + 1}/{len(runs)} {run}]'
        if run.needs in failed:
            console.say(f'{label} cannot be done without the {run.needs.name}')
            failed.append(run)
            return True
        if run.needs is not None and read_result(run.needs.folder) is None:
            return False
        with _claim(run.folder, wait) as mine:
            if not mine:
                return False
            result = read_result(run.folder)
            if result is not None:
                seconds = result['training_seconds'] + result['evaluation_seconds']
                estimate.update(index, 1.0, seconds)
                console.say(f'{label} finished before')
            elif (run.folder / _ERROR).is_file():
                console.say(f'{label} failed in another process')
                failed.append(run)
            else:
                hook = ProgressHook(console, estimate, index, len(runs), run)
                try:
                    train(run, hook, console)
                except Exception as error:
                    write_text(run.folder / _ERROR, traceback.format_exc())
                    console.say(f'{label} failed: {type(error).__name__}: {error}')
                    failed.append(run)
                if after_each is not None:
                    after_each()
        return True

    rest = list(range(len(runs)))
    while rest:
        index = next((index for index in rest if settle(index)), None)
        if index is None:
            console.say('waiting for runs that other processes are doing')
            index = next(index for index in rest if settle(index, wait=True))
        rest.remove(index)
    return failed


def raise_if_any(failed: Sequence[Run]) -> None:
    """Say which runs have failed, if any.

    Raises:
        JobError: If there are any.
    """
    if failed:
        names = '\n'.join(f'  {run}: {run.folder / _ERROR}' for run in failed)
        raise JobError(
            f'{len(failed)} runs failed; the same command tries them again:\n{names}'
        )


@contextmanager
def _claim(folder: Path, wait: bool) -> Iterator[bool]:
    """Keep other processes from a run; give False if one of them does it.

    The lock goes with the process that holds it, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _LOCK, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
