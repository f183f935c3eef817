"""Plot of what each method gains over the student alone."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.plot_style import COLOURS, QUICK_NOTE, save, styled

from .kinds import KINDS
from .results import Results, Statistics

_CLEAR, _NOT_CLEAR = 0.75, 0.3


def plot_gains(results: Results, path: Path) -> None:
    """Plot the gains as bars, best above, a panel for each kind of score.

    Error bars are Student's 95 % intervals over seeds, dots are single seeds. Bars
    whose interval holds 0, or that have none, are pale. Lines show the student alone,
    where gains begin, and the teacher. A method is shown when it has a gain, and
    nothing is written before one has.

    Args:
        results (Results): Holds the results.
        path (Path): The PNG to write.
    """
    numbers = results.numbers()
    kinds = results.kinds
    shown = [m for m in results.methods if numbers[m][f'{kinds[0]} gain'].values]
    if not shown:
        return
    with styled():
        figure = Figure(
            figsize=(6.4 * len(kinds), 1.7 + 0.34 * len(shown)), layout='constrained'
        )
        panels = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            gains = {name: numbers[name][f'{kind} gain'] for name in shown}
            _plot_panel(axes, gains)
            alone, teacher = (
                numbers[name][KINDS[kind].title].mean for name in ('student', 'teacher')
            )
            if alone is not None:
                _draw_lines(axes, alone, teacher)
                _limit(axes, gains, 0.0 if teacher is None else teacher - alone)
            axes.set_title(KINDS[kind].heading, pad=22)
            axes.set_xlabel(
                f'{KINDS[kind].title} gained over the student alone (points)'
            )
        if results.quick:
            figure.suptitle(QUICK_NOTE)
        figure.supxlabel(_note(list(gains.values())), fontsize=9)
        save(figure, path)


def _plot_panel(axes: Axes, gains: dict[str, Statistics]) -> None:
    names = sorted(gains, key=lambda name: gains[name].mean or 0.0)
    labels = []
    most = _most_seeds(list(gains.values()))
    for row, name in enumerate(names):
        gain = gains[name]
        mean = gain.mean or 0.0
        clear = gain.interval is not None and gain.interval.excludes_zero
        axes.barh(
            row,
            mean,
            height=0.62,
            color=COLOURS['distilled'],
            alpha=_CLEAR if clear else _NOT_CLEAR,
        )
        number = f'  ({len(gain.values)})' if most > 1 else ''
        labels.append(f'{name}  {mean:+.1f}{number}')
        if gain.interval is None:
            continue
        axes.errorbar(
            mean,
            row,
            xerr=[[mean - gain.interval.low], [gain.interval.high - mean]],
            fmt='none',
            ecolor='#222222',
            elinewidth=1.2,
            capsize=3,
        )
        axes.scatter(
            gain.values,
            [row] * len(gain.values),
            s=16,
            color='white',
            edgecolors='#222222',
            linewidths=0.7,
            zorder=3,
        )
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis='y', length=0)
    axes.grid(axis='y', visible=False)
    axes.grid(axis='x', visible=True)
    axes.spines['left'].set_visible(False)


def _draw_lines(axes: Axes, alone: float, teacher: float | None) -> None:
    """Draw student alone and teacher, and write their scores above."""
    # To the outside, so that they do not meet where the two are close.
    sides = ['right', 'left']
    if teacher is not None and teacher < alone:
        sides.reverse()
    for name, title, ap, side in (
        ('student', 'student alone', alone, sides[0]),
        ('teacher', 'teacher', teacher, sides[1]),
    ):
        if ap is None:
            continue
        axes.axvline(ap - alone, color=COLOURS[name], linewidth=2)
        axes.annotate(
            f'{title} {ap:.1f}',
            (ap - alone, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 4),
            textcoords='offset points',
            color=COLOURS[name],
            fontweight='bold',
            horizontalalignment=side,
        )


def _limit(axes: Axes, gains: dict[str, Statistics], teacher: float) -> None:
    """Cut intervals that are far longer than all values, as those of two seeds are."""
    values = [
        0.0,
        teacher,
        *(value for gain in gains.values() for value in gain.values),
    ]
    low, high = min(values), max(values)
    room = max(1.0, high - low)
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, low - room), min(right, high + room))


def _most_seeds(gains: list[Statistics]) -> int:
    return max(len(gain.values) for gain in gains)


def _note(gains: list[Statistics]) -> str:
    seeds = 'in brackets: number of seeds'
    if _most_seeds(gains) == 1:
        return 'one seed, no interval'
    return f'mean, 95 % interval and single seeds; pale: not clear; {seeds}'
