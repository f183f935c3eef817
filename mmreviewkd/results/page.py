"""Markdown and plot of a job, from its results as data."""

from pathlib import Path

from mmreviewkd.files import write_text

from .class_table import class_table
from .file import ResultsFile, read_results_file
from .plot_gains import plot_gains
from .table import MOST_CLASSES, table


def write_results_page(path: str | Path) -> list[Path]:
    """Write a file's tables, and its plot where there is a gain, beside it.

    Args:
        path (str | Path): Such as ``docs/results/bccd.json``, a ``results.json`` under
            any name.

    Returns:
        list[Path]: What is written: ``bccd.md`` and ``bccd.png``.

    Raises:
        UsageError: If it holds no results.
    """
    path = Path(path)
    file = read_results_file(path)
    page, plot = path.with_suffix('.md'), path.with_suffix('.png')
    plot_gains(file.results, plot)
    parts = [f'<!-- Made from {path.name} by tools/tables.py; change neither here. -->']
    parts.append(f'# {path.stem}')
    parts.append(_origin(file))
    if plot.is_file():
        parts.append(f'![Gains, best above]({plot.name})')
    parts.append(table(file.results))
    if len(file.results.class_names) > MOST_CLASSES:
        # The table names a file that a job has, and this page has not.
        parts.append(class_table(file.results))
    write_text(page, '\n\n'.join(part.rstrip() for part in parts) + '\n')
    return [page, plot] if plot.is_file() else [page]


def _origin(file: ResultsFile) -> str:
    """Say in a few lines how the results came about, as far as that is known."""
    about = file.about
    lines: list[str] = []
    data = about.get('data', {})
    if data.get('images'):
        train, val = data['images']
        lines.append(f'Data: {data["name"]}, {train} + {val} images.')
    if about.get('epochs'):
        epochs = ', '.join(
            # A teacher that was given is not trained.
            f'{name} {n}' if n else f'{name} trained before'
            for name, n in about['epochs'].items()
        )
        lines.append(f'Epochs: {epochs}.')
    if about.get('device'):
        lines.append(f'Device: {about["device"]}.')
    if about.get('command'):
        lines.append(f'Command: `{about["command"]}`.')
    if about.get('versions'):
        versions = ', '.join(f'{name} {v}' for name, v in about['versions'].items())
        lines.append(f'Versions: {versions}.')
    if about.get('note'):
        lines.append(about['note'])
    return '\n'.join(f'- {line}' for line in lines)
