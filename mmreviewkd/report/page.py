"""The page: everything about some trainings in one HTML file."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from pprint import pformat

from matplotlib.figure import Figure

from mmreviewkd.pages import embedded, write_page
from mmreviewkd.plot_style import png, save, styled

from .curves import (
    chapters,
    curve,
    draw_chapter,
    draw_panel,
    is_average_precision,
    line_styles,
)
from .differences import MISSING, differences, with_student_as_model
from .run_log import RunLog, read_runs

_LONG = 60


def write_report(folders: Sequence[str | Path], out_dir: str | Path) -> Path:
    """Write curves and a page about some trainings.

    Args:
        folders (Sequence[str | Path]): Work directories, or folders that hold some.
        out_dir (str | Path): Gets ``report.html``, which needs no other file and no
            network, and the curves as ``*.png``.

    Returns:
        Path: The page.

    Raises:
        FileNotFoundError: If a folder holds no training.
    """
    runs = read_runs(folders)
    out_dir = Path(out_dir)
    shown = chapters(runs)
    pictures = {}
    with styled():
        for chapter in shown:
            save(draw_chapter(runs, chapter), out_dir / f'{chapter.name}.png')
            for name in chapter.scalars:
                figure = Figure(figsize=(4, 2.8), layout='constrained')
                draw_panel(figure.subplots(), runs, name, chapter.evaluation)
                pictures[chapter.name, name] = embedded(png(figure))
    rows = differences([with_student_as_model(run.config) for run in runs])
    path = out_dir / 'report.html'
    write_page(
        path,
        'report.html',
        runs=runs,
        lines=line_styles(runs),
        overview=_overview(runs),
        chapters=shown,
        pictures=pictures,
        differences=[(name, [_written(v) for v in values]) for name, values in rows],
        versions=_versions(runs),
    )
    return path


def _overview(runs: Sequence[RunLog]) -> list[dict[str, str]]:
    """The numbers of each run that are asked for first, as they are to be read."""
    metrics = dict.fromkeys(
        name
        for run in runs
        for point in run.evaluation
        for name in point
        if name.endswith(('mAP', 'top1'))
    )
    rows = []
    for run in runs:
        row = {'iterations': f'{run.training[-1]["step"]}' if run.training else '-'}
        for name in metrics:
            values = curve(run, name, evaluation=True)[1]
            title = f'last {name}'
            if is_average_precision(name):
                title += ' (points of 100)'
            row[title] = f'{values[-1]:.1f}' if values else '-'
        for title, name, choose, form in (
            ('last loss', 'loss', lambda values: values[-1], '.3f'),
            ('seconds a step (median)', 'time', statistics.median, '.3f'),
            ('peak memory (MB)', 'memory', max, '.0f'),
        ):
            values = curve(run, name, evaluation=False)[1]
            row[title] = format(choose(values), form) if values else '-'
        rows.append(row)
    # Without a GPU nothing is known of memory.
    unknown = [title for title in rows[0] if all(row[title] == '-' for row in rows)]
    return [{k: v for k, v in row.items() if k not in unknown} for row in rows]


def _written(value: object) -> tuple[str, str | None]:
    """A value in a line, and in full where a line is too short."""
    if value is MISSING:
        return '', None
    text = repr(value)
    if len(text) <= _LONG:
        return text, None
    return f'{text[: _LONG - 1]}…', pformat(value, sort_dicts=False, width=70)


def _versions(runs: Sequence[RunLog]) -> list[tuple[list[str], dict[str, str]]]:
    """The versions used, with the names of the runs that used them."""
    groups: list[tuple[list[str], dict[str, str]]] = []
    for run in runs:
        for names, versions in groups:
            if versions == run.versions:
                names.append(run.name)
                break
        else:
            groups.append(([run.name], run.versions))
    return groups
