"""Plot of what each method gains over the student alone."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.plot_style import COLOURS, QUICK_NOTE, save, styled

from .results import Results


def plot_gains(results: Results, path: Path) -> None:
    """Plot the gains as bars, best above, a panel for each kind of AP.

    Error bars are one sample standard deviation wide on both sides, dots are single
    seeds. Lines show the student alone, where gains begin, and the teacher. A method
    is shown when it has a gain, and nothing is written before one has.

    Args:
        results (Results): Holds the results.
        path (Path): The PNG to write.
    """
    numbers = results.numbers()
    shown = [m for m in results.methods if numbers[m]['box gain']['values']]
    if not shown:
        return
    kinds = results.kinds
    with styled():
        figure = Figure(
            figsize=(6.4 * len(kinds), 1.5 + 0.34 * len(shown)), layout='constrained'
        )
        panels = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            _plot_panel(axes, {name: numbers[name][f'{kind} gain'] for name in shown})
            alone, teacher = (
                numbers[name][f'{kind} AP']['mean'] for name in ('student', 'teacher')
            )
            _draw_lines(axes, alone, teacher)
            axes.set_title(f'{kind.capitalize()} AP on the validation images', pad=22)
            axes.set_xlabel(f'{kind} AP gained over the student alone (points)')
        if results.quick:
            figure.suptitle(QUICK_NOTE)
        most = max(len(numbers[name]['box gain']['values']) for name in shown)
        if most > 1:
            figure.supxlabel(
                f'mean, standard deviation and single values of up to {most} seeds',
                fontsize=9,
            )
        save(figure, path)


def _plot_panel(axes: Axes, gains: dict[str, dict]) -> None:
    names = sorted(gains, key=lambda name: gains[name]['mean'])
    rows = range(len(names))
    axes.barh(
        rows,
        [gains[name]['mean'] for name in names],
        height=0.62,
        color=COLOURS['distilled'],
        alpha=0.75,
    )
    several = [row for row in rows if gains[names[row]]['std'] is not None]
    if several:
        axes.errorbar(
            [gains[names[row]]['mean'] for row in several],
            several,
            xerr=[gains[names[row]]['std'] for row in several],
            fmt='none',
            ecolor='#222222',
            elinewidth=1.2,
            capsize=3,
        )
    for row, name in zip(rows, names, strict=True):
        values = gains[name]['values']
        if len(values) > 1:
            axes.scatter(
                values,
                [row] * len(values),
                s=16,
                color='white',
                edgecolors='#222222',
                linewidths=0.7,
                zorder=3,
            )
    axes.set_yticks(rows, [f'{n}  {gains[n]["mean"]:+.1f}' for n in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis='y', length=0)
    axes.grid(axis='y', visible=False)
    axes.grid(axis='x', visible=True)
    axes.spines['left'].set_visible(False)


def _draw_lines(axes: Axes, alone: float, teacher: float | None) -> None:
    """Draw student alone and teacher, and write their AP above."""
    # To the outside, so that they do not meet where the two are close.
    for name, title, ap, side in (
        ('student', 'student alone', alone, 'right'),
        ('teacher', 'teacher', teacher, 'left'),
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
