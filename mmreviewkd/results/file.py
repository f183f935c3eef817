"""Results as data: ``results.json``, from which tables and plots can be made again."""

from pathlib import Path
from typing import Any, NamedTuple

from mmreviewkd.errors import UsageError
from mmreviewkd.files import read_json, write_json

from .image_noise import ImageNoise
from .intervals import Interval
from .kinds import KINDS
from .results import Results

SCHEMA = 1
"""Raised when a field gets another meaning or goes; new fields may come any time."""
_FIELDS = (
    'seed',
    'steps',
    'step_seconds',
    'training_seconds',
    'evaluation_seconds',
    'parameters',
    'gflops',
    'latency_ms',
    'input_size',
    'peak_memory',
)


class ResultsFile(NamedTuple):
    """What ``results.json`` holds.

    Args:
        results (Results): The results.
        about (dict): How they came about, see :func:`about_job`.
    """

    results: Results
    about: dict[str, Any]


def write_results(results: Results, path: Path, about: dict[str, Any]) -> None:
    """Write results. Scores are in points of 100, as everywhere but in MMEngine's logs.

    ====================  ==============================================================
    ``schema``            :data:`SCHEMA`
    ``about``             command, device, versions, data, schedule
    ``kinds``             ``['box']``, ``['mask']`` or both, or ``['top-1']``
    ``one_teacher``       whether all students have the same teacher
    ``quick``             whether the numbers mean nothing
    ``runs``              by run and seed: ``AP`` after the last epoch, which is the
                          accuracy of a classifier, and ``class_AP``, both by kind;
                          ``AP_by_epoch``; ``steps``; ``step_seconds`` (median),
                          ``training_seconds``, ``evaluation_seconds``;
                          ``parameters``; ``gflops``; ``latency_ms``; ``input_size``;
                          ``peak_memory`` in bytes; ``checkpoint``, the name of the
                          file of a teacher that was given. None where unknown
    ``missing``           seeds that are not finished, by run
    ``noise``             intervals over validation images, by kind
    ``summary``           by run and column: values, mean, standard deviation, and
                          95 % intervals; computed from ``runs``
    ====================  ==============================================================
    """
    write_json(
        path,
        dict(
            schema=SCHEMA,
            about=about,
            kinds=results.kinds,
            one_teacher=results.one_teacher,
            quick=results.quick,
            runs={
                name: {seed: _run_to_data(run, results) for seed, run in runs.items()}
                for name, runs in results.finished.items()
            },
            missing=results.missing,
            noise={kind: noise._asdict() for kind, noise in results.noise.items()},
            summary={
                name: {key: _rounded(found._asdict()) for key, found in row.items()}
                for name, row in results.numbers().items()
            },
        ),
    )


def read_results_file(path: str | Path) -> ResultsFile:
    """Read what :func:`write_results` has written.

    Raises:
        UsageError: If it cannot be read, or is something else.
    """
    try:
        data = read_json(Path(path))
    except (OSError, ValueError) as error:
        raise UsageError(f'{path} cannot be read: {error}') from error
    if not isinstance(data, dict) or data.get('schema') != SCHEMA:
        found = data.get('schema', 'none') if isinstance(data, dict) else 'none'
        raise UsageError(
            f'{path} holds no results of this version (schema {SCHEMA}, found '
            f'{found}); name the results.json of a job'
        )
    missing = {'about', 'kinds', 'one_teacher', 'quick', 'runs'} - set(data)
    if missing or not {'teacher', 'student'} <= set(data['runs']):
        lacks = ', '.join(sorted(missing)) or 'runs of teacher or student'
        raise UsageError(
            f'{path} lacks {lacks}; run the job again, which writes it anew'
        )
    runs: dict[str, dict[int, dict | None]] = {
        name: {int(seed): _run_from_data(run) for seed, run in by_seed.items()}
        for name, by_seed in data['runs'].items()
    }
    for name, seeds in data.get('missing', {}).items():
        runs[name] |= dict.fromkeys(seeds)
    noise = {
        kind: _noise_from_data(found) for kind, found in data.get('noise', {}).items()
    }
    results = Results(runs, data['kinds'], data['one_teacher'], data['quick'], noise)
    return ResultsFile(results, data['about'])


def _run_to_data(run: dict, results: Results) -> dict[str, Any]:
    def points(metrics: dict, kind: str, column: str | None = None) -> float | None:
        score = KINDS[kind].score(metrics, column)
        return None if score is None else round(score, 4)

    data = {field: run.get(field) for field in _FIELDS}
    given = run.get('checkpoint')
    # Not the folders of this machine.
    data['checkpoint'] = given and Path(given).name
    data['AP'] = {
        kind: {name: points(run['final'], kind, name) for name in KINDS[kind].columns}
        for kind in results.kinds
    }
    data['class_AP'] = run.get('class_ap')
    data['AP_by_epoch'] = [
        dict(epoch=point['epoch'])
        | {kind: points(point['metrics'], kind) for kind in results.kinds}
        for point in run['epochs']
    ]
    return data


def _run_from_data(data: dict[str, Any]) -> dict[str, Any]:
    """Bring a run back to the form of ``result.json``, with MMEngine's names."""
    run = {field: data.get(field) for field in (*_FIELDS, 'checkpoint')}
    run['final'] = {
        name: _as_metric(kind, scores.get(column))
        for kind, scores in data['AP'].items()
        for column, name in KINDS[kind].columns.items()
    }
    run['class_ap'] = data.get('class_AP') or {}
    run['epochs'] = [
        dict(
            epoch=point['epoch'],
            metrics={
                KINDS[kind].metric: _as_metric(kind, score)
                for kind, score in point.items()
                if kind in KINDS
            },
        )
        for point in data.get('AP_by_epoch') or ()
    ]
    return run


def _as_metric(kind: str, score: float | None) -> float:
    # COCO's way to say that there are no objects.
    return -1.0 if score is None else score / KINDS[kind].factor


def _noise_from_data(data: dict[str, Any]) -> ImageNoise:
    intervals = {
        key: {name: Interval(*ends) for name, ends in data[key].items()}
        for key in ('aps', 'gains')
    }
    gap = Interval(*data['gap']) if data['gap'] else None
    return ImageNoise(data['images'], data['resamples'], gap=gap, **intervals)


def _rounded(value: Any) -> Any:
    """Round all numbers to what they can mean."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value
