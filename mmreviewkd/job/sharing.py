"""Doing the runs of a job, alone or together with other processes."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.hooks import Hook

from mmreviewkd.files import write_text
from mmreviewkd.names import counted

from .errors import JobError
from .estimate import Estimate
from .expected import Expected
from .measure import MeasuringHook
from .plan import PseudoLabels, Run
from .processes import Team
from .progress import Console, ProgressHook
from .pseudo_labels import label_images
from .record import read_result
from .runs import refuse_other_settings_of, train

_LOCK = 'lock'
_ERROR = 'error.txt'


def do_runs(
    runs: Sequence[Run],
    console: Console,
    after_each: Callable[[], object] | None = None,
    team: Team | None = None,
    expected: Sequence[Expected] = (),
) -> list[Run]:
    """Do the runs that no other process does, until all are done.

    Where only runs of other processes are left, wait for them: if another process
    dies, its unfinished run is resumed here. A run that fails does not end the others;
    those that need it fail too.

    Args:
        runs (Sequence[Run]): The runs, each after the one that it needs.
        console (Console): Where to show how it goes.
        after_each (Callable, optional): Is called after each run that is done here.
            Defaults to None.
        team (Team, optional): The processes that train each run together. Where a run
            fails in there, all end. Defaults to None: this process alone.
        expected (Sequence[Expected]): What the trial tells of the runs. Defaults to ().

    Returns:
        list[Run]: The runs that have failed; a file in the folder of each says why.

    Raises:
        JobError: If another job does a run in the same folder with other settings.
    """
    for run in runs:
        (run.folder / _ERROR).unlink(missing_ok=True)
    with console:
        return _Worker(runs, console, after_each, team, expected).do_all()


class _Worker:
    """Does what :func:`do_runs` says."""

    def __init__(
        self,
        runs: Sequence[Run],
        console: Console,
        after_each: Callable[[], object] | None,
        team: Team | None,
        expected: Sequence[Expected],
    ) -> None:
        self._runs = runs
        self._console = console
        self._after_each = after_each
        self._team = team
        self._failed: list[Run] = []
        self._estimate = Estimate(runs)
        for one in expected:
            self._estimate.expect(
                one.run.name, one.epoch_seconds, one.evaluation_seconds
            )
        for index, run in enumerate(runs):
            result = read_result(run.folder)
            if result is not None:
                self._estimate.finish(index, result)

    def do_all(self) -> list[Run]:
        rest = list(range(len(self._runs)))
        while rest:
            index = next((index for index in rest if self._settle(index)), None)
            if index is None:
                self._say('waiting for runs that other processes are doing')
                index = next(index for index in rest if self._settle(index, wait=True))
            rest.remove(index)
        return self._failed

    def _settle(self, index: int, wait: bool = False) -> bool:
        """Do a run, or find it done; False if it has to wait for another process."""
        run = self._runs[index]
        if run.needs in self._failed:
            self._fail(index, f'cannot be done without the {run.needs.name}')
            return True
        if run.needs is not None and read_result(run.needs.folder) is None:
            return False
        labels = run.pseudo_labels
        if labels is not None and not self._annotate(labels, wait):
            return False
        if run in self._failed:
            return True
        with _claim(run.folder / _LOCK, wait) as mine:
            if not mine:
                return False
            # Another job may have begun them since this one looked.
            for begun in (run.needs, run):
                if begun is not None:
                    refuse_other_settings_of(begun)
            result = read_result(run.folder)
            if result is not None:
                self._estimate.finish(index, result)
                self._say(f'{self._label(index)} finished before')
            elif (run.folder / _ERROR).is_file():
                self._fail(index, 'failed in another process')
            else:
                self._do(index)
        # At once, so that one sees early what it finds.
        for labels in [other.pseudo_labels for other in self._runs]:
            if labels is None or labels.teacher is not run or run in self._failed:
                continue
            self._annotate(labels, wait=False)
        return True

    def _annotate(self, labels: PseudoLabels, wait: bool) -> bool:
        """See to pseudo labels; False if another process is writing them.

        Where they cannot be written, the runs that need them fail.
        """
        waiting = [
            index
            for index, run in enumerate(self._runs)
            if run.pseudo_labels is not None
            and run.pseudo_labels.path == labels.path
            and run not in self._failed
            and read_result(run.folder) is None
        ]
        if not waiting or labels.path.is_file():
            return True
        with _claim(labels.path.with_suffix('.lock'), wait) as mine:
            if not mine:
                return False
            if labels.path.is_file():
                return True
            self._say(
                f'{labels.teacher} labels the images in {labels.folder}, score '
                f'{labels.threshold} and more'
            )
            try:
                self._say(str(label_images(labels)))
            except Exception as error:
                for index in waiting:
                    folder = self._runs[index].folder
                    write_text(folder / _ERROR, traceback.format_exc())
                    self._fail(index, f'failed: {error}')
        return True

    def _do(self, index: int) -> None:
        run = self._runs[index]
        label = self._label(index)
        hook: Hook = ProgressHook(self._console, self._estimate, index, label)
        if run.checkpoint:
            hook = MeasuringHook(self._console, self._estimate, index, label)
        try:
            if self._team is None:
                result = train(run, hook, self._console)
            else:
                self._team.lead(index)
                result = train(run, hook, self._console, self._team.fields)
        except Exception as error:
            if self._team is not None:
                # The others may wait within a step.
                raise
            write_text(run.folder / _ERROR, traceback.format_exc())
            self._fail(index, f'failed: {type(error).__name__}: {error}')
        else:
            self._estimate.finish(index, result)
        if self._after_each is not None:
            self._after_each()

    def _fail(self, index: int, how: str) -> None:
        self._failed.append(self._runs[index])
        self._estimate.drop(index)
        self._say(f'{self._label(index)} {how}')

    def _label(self, index: int) -> str:
        return f'[{index + 1}/{len(self._runs)} {self._runs[index]}]'

    def _say(self, text: str) -> None:
        self._console.say(text)


def raise_if_any(failed: Sequence[Run]) -> None:
    """Say which runs have failed, if any.

    Raises:
        JobError: If there are any.
    """
    if failed:
        names = '\n'.join(f'  {run}: {run.folder / _ERROR}' for run in failed)
        raise JobError(
            f'{counted(len(failed), "run")} failed; the same command tries again:\n'
            f'{names}'
        )


@contextmanager
def _claim(path: Path, wait: bool) -> Iterator[bool]:
    """Keep other processes from a run by a lock; give False if one of them does it.

    The system gives the lock back when its process ends, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, blocking=wait)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
