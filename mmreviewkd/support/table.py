"""The CSV of what was found."""

import csv
from pathlib import Path

from .check import STOCK
from .jobs import Job

COLUMNS = (
    'student',
    'teacher',
    'settings',
    'size',
    'result',
    'stage',
    'cause',
    'reason',
    'strides',
    'channels',
    'teacher_strides',
    'teacher_channels',
    'seconds',
    'versions',
)
WORKS = 'works'
STOCK_FAILS = 'stock fails'
FAILS = 'fails'
Row = dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a table; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def append_row(path: Path, row: Row) -> None:
    """Add a row to a table, which is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open('a', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        if new:
            writer.writeheader()
        writer.writerow(row)


def find(rows: list[Row], job: Job) -> Row | None:
    """Find a job's row."""
    for row in rows:
        if job.key.items() <= row.items():
            return row
    return None


def make_row(job: Job, found: dict, versions: str) -> Row:
    """Put what was found of a job into a row.

    Args:
        job (Job): The job.
        found (dict): What :func:`run_job` has found.
        versions (str): Those of the packages.
    """
    row = {column: str(found.get(column, '')) for column in COLUMNS}
    height, width = job.size
    return (
        row
        | job.key
        | dict(size=f'{height}x{width}', versions=versions, result=_result(found))
    )


def _result(found: dict) -> str:
    if 'cause' not in found:
        return WORKS
    stock = str(found.get('stage', '')).startswith(STOCK)
    return STOCK_FAILS if stock else FAILS
