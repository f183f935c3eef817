"""Curves: a panel for each scalar, a line for each run."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.plot_style import COLOURS

from .run_log import Point, RunLog

_OTHER_COLOURS = (
    *('#2ca02c', '#9467bd', '#e377c2', '#17becf', '#bcbd22', '#8c564b', '#d62728'),
)
_DASHES = ('solid', 'dashed', 'dotted', 'dashdot')
# Counters, not curves.
_COUNTERS = ('step', 'iter', 'epoch')
# Of the legend, in inches.
_LETTER_WIDTH, _LINE_WIDTH, _LINE_HEIGHT = 0.09, 0.6, 0.24
# What MMDetection's metrics give as shares: AP, AR, and the AP of each class.
_SHARE = re.compile(r'(^|[/_])(m?AP|AR)|_precision$')


class Line(NamedTuple):
    """How the curves of a run look."""

    color: str
    linestyle: str


class Chapter(NamedTuple):
    """Scalars that belong together.

    Args:
        title (str): What they are about.
        name (str): Name of their picture.
        scalars (list[str]): Their names in the logs.
        evaluation (bool): Whether they are of the evaluations.
    """

    title: str
    name: str
    scalars: list[str]
    evaluation: bool


_TRAINING: dict[str, tuple[str, Callable[[str], bool]]] = {
    'losses': ('Losses', lambda name: 'loss' in name),
    'learning_rate': ('Learning rate', lambda name: 'lr' in name.split('_')),
    'cost': (
        'Seconds a step, and memory in MB',
        lambda name: name in ('time', 'data_time', 'memory'),
    ),
    'others': ('Others', lambda name: True),
}


def chapters(runs: Sequence[RunLog]) -> list[Chapter]:
    """Sort all scalars of which the runs have logged values into chapters."""
    names = _names(point for run in runs for point in run.training)
    found = {}
    for key, (title, belongs) in _TRAINING.items():
        scalars = [name for name in names if belongs(name)]
        names = [name for name in names if name not in scalars]
        found[key] = Chapter(title, key, scalars, evaluation=False)
    metrics = _names(point for run in runs for point in run.evaluation)
    metrics = [
        name
        for name in metrics
        if name not in ('time', 'data_time')
        and any(curve(run, name, evaluation=True)[0] for run in runs)
    ]
    shown = Chapter('Metrics on the validation images', 'ap', metrics, evaluation=True)
    ordered = [found.pop('losses'), shown, *found.values()]
    return [chapter for chapter in ordered if chapter.scalars]


def _names(points: Iterable[Point]) -> list[str]:
    names = dict.fromkeys(name for point in points for name in point)
    return [name for name in names if name not in _COUNTERS]


def is_average_precision(name: str) -> bool:
    """Say whether a metric is an AP or AR, which is shown in points of 100."""
    return _SHARE.search(name) is not None


def curve(run: RunLog, name: str, evaluation: bool) -> tuple[list[float], list[float]]:
    """Give a scalar's steps and values, AP in points of 100.

    COCO's -1, for want of objects of that kind, is no value.
    """
    factor = 100 if evaluation and is_average_precision(name) else 1
    points = run.evaluation if evaluation else run.training
    found = [
        (point['step'], factor * point[name])
        for point in points
        if name in point and not (evaluation and point[name] == -1)
    ]
    steps, values = zip(*found, strict=True) if found else ((), ())
    return list(steps), list(values)


def line_styles(runs: Sequence[RunLog]) -> list[Line]:
    """Choose how each run looks.

    Runs whose folders have the same name, as with several seeds, have one colour.
    """
    others = iter(_OTHER_COLOURS * len(runs))
    colours: dict[str, str] = {}
    seen: list[str] = []
    lines = []
    for run in runs:
        kind = run.folder.name
        if kind not in colours:
            colours[kind] = COLOURS.get(kind) or next(others)
        lines.append(Line(colours[kind], _DASHES[seen.count(kind) % len(_DASHES)]))
        seen.append(kind)
    return lines


def draw_panel(axes: Axes, runs: Sequence[RunLog], name: str, evaluation: bool) -> None:
    """Draw one scalar of all runs that have it."""
    for run, line in zip(runs, line_styles(runs), strict=True):
        steps, values = curve(run, name, evaluation)
        marker = 'o' if evaluation or len(steps) == 1 else None
        axes.plot(
            steps,
            values,
            label=run.name,
            marker=marker,
            ms=3,
            # Without a point it would count as one at the figure's corner.
            clip_on=not steps,
            **line._asdict(),
        )
    units = {'iteration'}
    if evaluation:
        units = {run.evaluated_at for run in runs if run.evaluation}
    axes.set(title=name, xlabel=' or '.join(sorted(units)))
    if evaluation and is_average_precision(name):
        axes.set_ylabel('points of 100')
    axes.locator_params(axis='x', integer=True)
    axes.set_xlim(left=0)
    axes.margins(y=0.08)
    if all(value >= 0 for value in axes.dataLim.intervaly):
        axes.set_ylim(bottom=0)


def draw_chapter(runs: Sequence[RunLog], chapter: Chapter) -> Figure:
    """Draw all panels of a chapter, with a legend below."""
    columns = min(3, len(chapter.scalars))
    rows = math.ceil(len(chapter.scalars) / columns)
    width, entries = _legend([run.name for run in runs], 4.0 * columns)
    height = 3 * rows + _LINE_HEIGHT * math.ceil(len(runs) / entries)
    figure = Figure(figsize=(width, height), layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, chapter.scalars, strict=False):
        draw_panel(axes, runs, name, chapter.evaluation)
    for axes in panels[len(chapter.scalars) :]:
        axes.set_axis_off()
    figure.suptitle(chapter.title)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc='outside lower center',
        ncols=entries,
        frameon=False,
    )
    return figure


def _legend(names: Sequence[str], width: float) -> tuple[float, int]:
    """Make room for names: the width of the figure, and how many stand in a line."""
    entry = _LETTER_WIDTH * max(map(len, names)) + _LINE_WIDTH
    width = max(width, entry)
    return width, min(len(names), int(width / entry))
