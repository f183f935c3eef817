"""Plot of the scores over the epochs."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.plot_style import COLOURS, QUICK_NOTE, save, styled

from .kinds import KINDS
from .results import Results

MOST = 4
"""More methods would hide each other."""
_OTHER_COLOURS = ('#2ca02c', '#9467bd', '#bcbd22', '#17becf')


def plot_ap(results: Results, path: Path) -> None:
    """Plot the scores over epochs of teacher, student alone and the best methods.

    There is a panel for each kind of score. Lines are means over the seeds, bands are
    one sample standard deviation wide on both sides.

    Args:
        results (Results): Holds the results.
        path (Path): The PNG to write.
    """
    names = ['teacher', 'student', *results.best(MOST)]
    others = iter(_OTHER_COLOURS)
    colours = {name: COLOURS.get(name) or next(others) for name in names}
    with styled():
        figure = Figure(figsize=(5.6 * len(results.kinds), 4.2), layout='constrained')
        panels = figure.subplots(1, len(results.kinds), squeeze=False)[0]
        for axes, kind in zip(panels, results.kinds, strict=True):
            _plot_panel(axes, results, kind, colours)
        if results.quick:
            figure.suptitle(QUICK_NOTE)
        notes = []
        if len(results.seeds) > 1:
            seeds = ', '.join(map(str, results.seeds))
            notes.append(
                f'mean and standard deviation over {len(results.seeds)} seeds ({seeds})'
            )
        else:
            notes.append('one seed, no spread')
        if len(results.methods) > MOST:
            notes.append(f'the best {MOST} of {len(results.methods)} methods')
        if notes:
            figure.supxlabel('; '.join(notes), fontsize=9)
        save(figure, path)


def _plot_panel(
    axes: Axes, results: Results, kind: str, colours: dict[str, str]
) -> None:
    ends = []
    for name, colour in colours.items():
        curves = [
            {p['epoch']: KINDS[kind].score(p['metrics']) for p in run['epochs']}
            for run in results.finished[name].values()
        ]
        # A hook may have ended some runs early.
        epochs = [e for e in curves[0] if all(e in c for c in curves)] if curves else []
        if not epochs:
            continue
        ap = np.array([[curve[epoch] for epoch in epochs] for curve in curves], float)
        if np.isnan(ap).all():
            # This detector has no score of this kind.
            continue
        centre = ap.mean(axis=0)
        axes.plot(epochs, centre, color=colour, linewidth=2, marker='o', markersize=4)
        if len(ap) > 1:
            spread = ap.std(axis=0, ddof=1)
            low, high = centre - spread, centre + spread
            axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
        ends.append((epochs[-1], centre[-1], name))
    axes.set(
        title=KINDS[kind].heading,
        xlabel='epoch',
        ylabel=f'{KINDS[kind].title} (points)',
    )
    axes.set_xlim(left=0)
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
    axes.locator_params(axis='x', integer=True)
    _name_lines(axes, ends, colours)


def _name_lines(
    axes: Axes, ends: list[tuple[float, float, str]], colours: dict[str, str]
) -> None:
    """Write each line's name at its end, one above the other where they meet."""
    least = 0.055 * axes.get_ylim()[1]
    height = -np.inf
    for epoch, ap, name in sorted(ends, key=lambda end: end[1]):
        height = max(ap, height + least)
        axes.annotate(
            f'{name} {ap:.1f}',
            (epoch, ap),
            xytext=(1.02, height),
            textcoords=axes.get_yaxis_transform(),
            color=colours[name],
            fontweight='bold',
            verticalalignment='center',
        )
