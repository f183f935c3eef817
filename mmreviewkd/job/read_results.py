"""Reading the results of a job's finished runs."""

from collections.abc import Sequence
from glob import escape
from pathlib import Path
from typing import Any

from mmreviewkd.files import read_json
from mmreviewkd.results.results import Results

from .plan import Run
from .predictions import RESAMPLED
from .record import read_result


def read_results(
    runs: Sequence[Run],
    kinds: Sequence[str] = ('box',),
    one_teacher: bool = False,
    quick: bool = False,
) -> Results:
    """Read the results of those runs that are finished.

    Args:
        runs (Sequence[Run]): The runs of a job, finished or not. Those of the same
            names that were done with other seeds before count too.
        kinds (Sequence[str]): The kinds of scores. Defaults to ``'box'`` alone.
        one_teacher (bool): Whether all students have the same teacher. Defaults to
            False.
        quick (bool): Whether the runs only show that all works. Defaults to False.
    """
    # A teacher that cannot be measured on the data has no run.
    results: dict[str, dict[int, dict | None]] = dict(teacher={})
    for run in runs:
        results.setdefault(run.name, {})[run.seed] = _read(run.folder)
    for run in runs:
        if run.name == 'teacher' and one_teacher:
            continue
        for folder in run.folder.parent.parent.glob(f'seed_*/{escape(run.name)}'):
            result = _read(folder)
            if result:
                results[run.name][result['seed']] = result
    return Results(results, kinds, one_teacher, quick)


def _read(folder: Path) -> dict[str, Any] | None:
    """Read a run's result, with its AP on resampled images where that is known."""
    result = read_result(folder)
    resampled = folder / RESAMPLED
    if result and resampled.is_file():
        result['resampled'] = read_json(resampled)
    return result
