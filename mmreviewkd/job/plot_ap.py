"""Plot of the AP over the epochs."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmreviewkd.plot_style import COLOURS, QUICK_NOTE, save, styled

from .plan import MAIN
from .report import Report
from .tables import average_precision


def plot_ap(report: Report, path: Path) -> None:
    """Plot AP over epochs of the three main runs, a panel for each kind of AP.

    Lines are means over the seeds, bands are one sample standard deviation wide
    on both sides.

    Args:
        report (Report): Holds the results.
        path (Path): The PNG to write.
    """
    with styled():
        figure = Figure(figsize=(5.6 * len(report.kinds), 4.2), layout='constrained')
        panels = figure.subplots(1, len(report.kinds), squeeze=False)[0]
        for axes, kind in zip(panels, report.kinds, strict=True):
            _plot_panel(axes, report, kind)
        if report.quick:
            figure.suptitle(QUICK_NOTE)
        if len(report.results) > 1:
            seeds = ', '.join(map(str, report.results))
            figure.supxlabel(
                f'mean and standard deviation over the seeds {seeds}', fontsize=9
            )
        save(figure, path)


def _plot_panel(axes: Axes, report: Report, kind: str) -> None:
    ends = []
    for name in MAIN:
        curves = [runs[name]['epochs'] for runs in report.results.values()]
        epochs = [point['epoch'] for point in curves[0]]
        ap = np.array(
            [[average_precision(p['metrics'], kind) for p in c] for c in curves]
        )
        centre = ap.mean(axis=0)
        colour = COLOURS[name]
        axes.plot(epochs, centre, color=colour, linewidth=2, marker='o', markersize=4)
        if len(ap) > 1:
            spread = ap.std(axis=0, ddof=1)
            low, high = centre - spread, centre + spread
            axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
        ends.append((epochs[-1], centre[-1], name))
    axes.set(
        title=f'{kind.capitalize()} AP on the validation images',
        xlabel='epoch',
        ylabel=f'{kind} AP (points)',
    )
    axes.set_xlim(left=0)
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
    axes.locator_params(axis='x', integer=True)
    _name_lines(axes, ends)


def _name_lines(axes: Axes, ends: list[tuple[float, float, str]]) -> None:
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
            color=COLOURS[name],
            fontweight='bold',
            verticalalignment='center',
        )
