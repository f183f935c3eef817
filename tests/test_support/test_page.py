import re
from pathlib import Path

from mmreviewkd.support.jobs import Job, left_out, read_jobs
from mmreviewkd.support.page import page
from mmreviewkd.support.table import find, make_row, read_rows

DOCS = Path(__file__).resolve().parents[2] / 'docs'
TABLE = DOCS / 'results' / 'supported.csv'
SAME = dict(strides='8 16', channels='256 256', stage='done')
FOUND = SAME | dict(teacher_strides='8 16', teacher_channels='256 256')
RESIZE = dict(resize='pool')


def written(*found):
    """The page's tables for jobs and what was found of them, without the padding."""
    rows = [make_row(job, one, 'torch 2.6') for job, one in found]
    text = page(rows, [job for job, _ in found], dict(common='has no model'))
    return re.sub(' +', ' ', text)


def test_docs_show_the_table():
    assert (DOCS / 'supported.md').read_text() == page(
        read_rows(TABLE), read_jobs(), left_out()
    )


def test_rows_are_jobs_of_the_list():
    rows = read_rows(TABLE)
    attempts = [one for job in read_jobs() for one in job.attempts()]
    found = [find(rows, one) for one in attempts]
    assert all(row in found for row in rows)


def test_jobs_without_a_row_are_counted():
    jobs = [Job('a/b.py'), Job('a/c.py'), Job('a/b.py', 'a/c.py')]
    text = page([make_row(jobs[0], FOUND, 'torch 2.6')], jobs, {})
    assert 'Of 1 that were tried (1 are still to be tried),' in text
    assert 'Of 0 that were tried (1 are still to be tried),' in text


def test_a_family_that_works():
    text = written((Job('fcos/fcos.py'), FOUND | dict(seconds=1.5)))
    assert '| `fcos` | `fcos` | works | 8 16 | 256 | 1.5 |' in text
    assert '- 1 work without a setting' in text
    assert 'with torch 2.6' in ' '.join(text.split())
    assert '| `common` | has no model |' in text


def test_a_family_whose_package_is_missing():
    found = dict(stage='stock build', cause='missing package', reason='needs it')
    text = written((Job('convnext/a.py'), found))
    assert '| build fails: needs it |' in text
    assert '- 1 fail: a package is missing' in text


def test_a_family_that_fails_in_mmdetection_too():
    found = dict(stage='stock build', cause='process', reason='ended')
    text = written((Job('convnext/a.py'), found))
    assert '| build fails in MMDetection alone too: ended |' in text
    assert '- 1 fail in MMDetection alone too: the process was ended' in text


def test_a_family_that_only_trains():
    failed = dict(stage='stock prediction', cause='error', reason='no')
    text = written((Job('ssd/a.py'), FOUND | failed))
    assert (
        '| training works, prediction fails in MMDetection alone too: no | 8 16 |'
        in text
    )
    assert '- 1 train, but cannot predict in MMDetection alone either' in text


def test_families_are_in_the_order_of_their_names():
    text = written((Job('b/a.py'), FOUND), (Job('a/b.py'), FOUND))
    assert text.index('| `a` |') < text.index('| `b` |')


def test_a_pair_that_needs_a_setting():
    failed = dict(stage='build', cause='error', reason='ValueError: a|b')
    text = written(
        (Job('a/b.py', 'c/d.py'), failed),
        (
            Job('a/b.py', 'c/d.py', RESIZE),
            SAME | dict(teacher_strides='8 32', teacher_channels='96 192'),
        ),
    )
    assert (
        "| `a/b` | `c/d` | works with `resize='pool'`; without: ValueError: a\\|b "
        '| 8 16 → 8 32 | 256 → 96 192 |' in text
    )
    assert '- 1 work with a setting' in text


def test_a_pair_that_does_not_work():
    failed = dict(stage='build', cause='error', reason='no')
    text = written((Job('a/b.py', dict(type='TimmModel', model='x')), failed))
    assert '| `a/b` | `TimmModel` `x` | build fails here: no |' in text
    assert '- 1 fail here: an error' in text
