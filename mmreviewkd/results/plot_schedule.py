"""Plot of gain against the length of the schedule, from several jobs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.errors import UsageError
from mmreviewkd.plot_style import COLOURS, QUICK_NOTE, save, styled

from .file import ResultsFile
from .kinds import KINDS
from .results import Results, Statistics

MOST = 6
"""More curves would hide each other."""
_COLOURS = (
    *('#1b6ca8', '#2ca02c', '#9467bd', '#c0392b'),
    *('#bcbd22', '#17becf', '#e377c2', '#8c564b'),
)
_SPREAD = 0.012
"""Space between two curves' points of the same schedule, as a share of the width."""


class _Point(NamedTuple):
    length: float
    gain: Statistics


def plot_schedule(
    files: Sequence[ResultsFile], path: Path, methods: Sequence[str] = ()
) -> None:
    """Plot what methods gain over the student alone, at several schedules.

    There is a panel for each kind of score and a curve for each method, with Student's
    95 % intervals over seeds. Points of one seed, which have none, are hollow. Numbers
    at the points are numbers of seeds. The student alone is the line at 0.

    Args:
        files (Sequence[ResultsFile]): Results of jobs on the same data.
        path (Path): The PNG to write.
        methods (Sequence[str]): The methods to show. Defaults to (): the
            :data:`MOST` that gain most at the longest schedule they have; box AP
            where there is one.

    Raises:
        UsageError: If the jobs are on different data, two have the same schedule, a
            method is in none of them, there are more methods than colours, or they have
            no kind of score in common.
    """
    lengths, unit = _lengths(files)
    in_order = sorted(zip(lengths, files, strict=True), key=lambda pair: pair[0])
    results = {length: file.results for length, file in in_order}
    known = list(dict.fromkeys(m for r in results.values() for m in r.methods))
    for name in methods:
        if name not in known:
            raise UsageError(
                f'no job has the method {name}; they have {", ".join(known)}'
            )
    if len(methods) > len(_COLOURS):
        raise UsageError(
            f'{len(methods)} methods for one picture, whose curves have '
            f'{len(_COLOURS)} colours; name fewer'
        )
    kinds = [k for k in KINDS if all(k in r.kinds for r in results.values())]
    if not kinds:
        raise UsageError(
            'the jobs have no kind of score in common: '
            + ', '.join(sorted({k for r in results.values() for k in r.kinds}))
        )
    shown = list(methods) or _best(known, results, kinds[0])
    with styled():
        figure = Figure(figsize=(5.8 * len(kinds), 4.4), layout='constrained')
        panels = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            curves = {name: _points(results, name, kind) for name in shown}
            _plot_panel(axes, curves, max(results))
            axes.set(
                title=KINDS[kind].heading,
                xlabel=f'length of the schedule ({unit})',
                ylabel=f'{KINDS[kind].title} gained over the student alone',
            )
        if any(found.quick for found in results.values()):
            figure.suptitle(QUICK_NOTE)
        note = 'mean and 95 % interval over seeds, whose number stands at the points'
        if len(known) > len(shown):
            note += f'; {len(shown)} of {len(known)} methods'
        figure.supxlabel(note, fontsize=9)
        save(figure, path)


def _lengths(files: Sequence[ResultsFile]) -> tuple[list[float], str]:
    """Give each job's schedule: in steps where all know them, else in epochs."""
    names = {str(file.about.get('data', {}).get('name')) for file in files}
    if len(names) > 1:
        raise UsageError(
            f'the jobs are on different data ({", ".join(sorted(names))}); draw one '
            'picture for each'
        )
    steps = [
        {run.get('steps') for run in file.results.finished['student'].values()}
        for file in files
    ]
    unit = 'steps'
    lengths: list[float] = [number for found in steps for number in found if number]
    if len(lengths) < len(files) or any(len(found) != 1 for found in steps):
        unit = 'epochs'
        lengths = [_epochs(file) for file in files]
    if len(set(lengths)) < len(lengths):
        raise UsageError(
            f'two jobs have the same schedule ({", ".join(map(str, lengths))} {unit}); '
            'name one of them only'
        )
    return lengths, unit


def _epochs(file: ResultsFile) -> float:
    epochs = file.about.get('epochs', {}).get('student')
    if epochs is None:
        raise UsageError(
            'a job does not say how long its schedule is: about.epochs.student is '
            'missing in its results.json'
        )
    return epochs


def _best(known: list[str], results: dict[float, Results], kind: str) -> list[str]:
    last = {}
    for name in known:
        points = _points(results, name, kind)
        if points:
            last[name] = points[-1].gain.mean or 0.0
    best = sorted(last, key=lambda name: -last[name])[:MOST]
    return [name for name in known if name in best]


def _points(results: dict[float, Results], name: str, kind: str) -> list[_Point]:
    """Give the gains of a method, the shortest schedule first."""
    points = []
    for length, found in results.items():
        if name in found.methods:
            gain = found.numbers_of(name)[f'{kind} gain']
            if gain.values:
                points.append(_Point(length, gain))
    return points


def _plot_panel(axes: Axes, curves: dict[str, list[_Point]], longest: float) -> None:
    axes.axhline(0, color=COLOURS['student'], linewidth=2, label='student alone')
    for number, (name, points) in enumerate(curves.items()):
        if not points:
            continue
        colour = _COLOURS[number % len(_COLOURS)]
        shift = (number - (len(curves) - 1) / 2) * _SPREAD * longest
        x = [point.length + shift for point in points]
        means = [point.gain.mean or 0.0 for point in points]
        axes.plot(x, means, color=colour, linewidth=1.8, label=name)
        for at, mean, point in zip(x, means, points, strict=True):
            interval = point.gain.interval
            axes.plot(
                at,
                mean,
                marker='o',
                markersize=5,
                color=colour,
                markerfacecolor=colour if interval else 'white',
            )
            if interval:
                ends = [[mean - interval.low], [interval.high - mean]]
                axes.errorbar(at, mean, yerr=ends, ecolor=colour, fmt='none', capsize=3)
            axes.annotate(
                str(len(point.gain.values)),
                (at, mean),
                xytext=(5, 3),
                textcoords='offset points',
                fontsize=7,
                color=colour,
            )
    _limit(axes, curves)
    axes.set_xlim(left=0)
    axes.set_xticks(sorted({p.length for points in curves.values() for p in points}))
    axes.legend(frameon=False, fontsize=8)


def _limit(axes: Axes, curves: dict[str, list[_Point]]) -> None:
    """Cut intervals that are far longer than all values, as those of two seeds are."""
    values = [0.0]
    values += [v for points in curves.values() for p in points for v in p.gain.values]
    room = max(1.0, max(values) - min(values))
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, min(values) - room), min(high, max(values) + room))
