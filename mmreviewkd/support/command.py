"""The command: ``tools/support.py``."""

import argparse
from pathlib import Path

from mmreviewkd.compat.versions import in_use
from mmreviewkd.files import write_text
from mmreviewkd.launch import hide_package_warnings

from .jobs import LIST, Job, left_out, read_jobs
from .page import page
from .process import run_job
from .table import FAILS, Row, append_row, find, make_row, read_rows


def main() -> None:
    """Run the jobs that the table lacks, then write the page."""
    parser = argparse.ArgumentParser(
        description="Try a configuration of each of MMDetection's model families as a "
        'student, and pairs of families, with random weights and made images: add a '
        'row for each to a table, and write it as a page. Started again, it goes on '
        'where it was interrupted.'
    )
    parser.add_argument('table', type=Path, help='the CSV to write or go on with')
    parser.add_argument('page', type=Path, help='the Markdown page to write')
    parser.add_argument(
        '--list',
        type=Path,
        default=LIST,
        metavar='YAML',
        help="default: this project's",
    )
    parser.add_argument(
        '--cpu', type=int, default=120, help='seconds of CPU time for each (120)'
    )
    parser.add_argument(
        '--wall', type=int, default=900, help='seconds for each, at most (900)'
    )
    parser.add_argument(
        '--no-run', action='store_true', help='only write the page anew'
    )
    args = parser.parse_args()
    hide_package_warnings()
    jobs = read_jobs(args.list)
    for job in [] if args.no_run else jobs:
        _try(job, args)
    write_text(args.page, page(read_rows(args.table), jobs, left_out(args.list)))


def _try(job: Job, args: argparse.Namespace) -> None:
    """Run a job, and with its settings if it does not work without."""
    for attempt in job.attempts():
        row = find(read_rows(args.table), attempt)
        if row is None:
            row = make_row(attempt, run_job(attempt, args.cpu, args.wall), _versions())
            append_row(args.table, row)
            _say(row)
        if row['result'] != FAILS:
            return


def _say(row: Row) -> None:
    names = ' <- '.join(filter(None, (row['student'], row['teacher'])))
    parts = (row['settings'], row['result'], row['stage'], row['reason'])
    print(names, *filter(None, parts), sep='\n    ', flush=True)


def _versions() -> str:
    return ', '.join(
        f'{name} {version}'
        for name, version in in_use().items()
        if name not in ('torchvision', 'setuptools')
    )
