"""The command: ``tools/support.py``."""

import argparse

from mmreviewkd.compat.versions import in_use
from mmreviewkd.files import write_text

from .jobs import LIST, Job, left_out, read_jobs
from .page import page
from .process import run_job
from .table import FAILS, Row, append_row, find, make_row, read_rows


def main(args: argparse.Namespace) -> None:
    """Run the jobs that the table lacks, then write the page.

    Args:
        args (Namespace): See ``tools/support.py``.
    """
    path = args.list or LIST
    jobs = read_jobs(path)
    for job in [] if args.no_run else jobs:
        _try(job, args)
    write_text(args.page, page(read_rows(args.table), jobs, left_out(path)))


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
