import pytest
import toys
from in_processes import compute, crash, leave, sleep
from mmengine.config import Config

from mmreviewkd.support.jobs import Job
from mmreviewkd.support.process import run_job
from mmreviewkd.support.table import FAILS, STOCK_FAILS, WORKS, make_row

VERSIONS = 'torch 2.6'


def row_of(job, **limits):
    return make_row(job, run_job(job, **dict(cpu=100, wall=200) | limits), VERSIONS)


@pytest.fixture
def tiny(tmp_path):
    """A job of a config of the smallest Faster R-CNN, which may be changed."""

    def job(**changes):
        cfg = Config(dict(model=toys.detector(), **changes))
        cfg.dump(tmp_path / 'tiny.py')
        return Job(str(tmp_path / 'tiny.py'), size=(64, 96))

    return job


def test_tiny_detector_works(tiny):
    row = row_of(tiny())
    assert row.pop('seconds')
    job = tiny()
    assert row == dict(
        student=job.student,
        teacher='',
        settings='',
        size='64x96',
        result=WORKS,
        stage='done',
        cause='',
        reason='',
        strides='4 8 16 32 64',
        channels='8 8 8 8 8',
        teacher_strides='4 8 16 32 64',
        teacher_channels='8 8 8 8 8',
        versions=VERSIONS,
    )


def test_what_the_distillation_refuses_is_its_own_failure(tiny):
    job = Job(tiny().student, settings=dict(levels=[128]), size=(64, 96))
    row = row_of(job)
    assert (row['result'], row['stage'], row['cause']) == (FAILS, 'build', 'error')
    assert 'no level of stride 128' in row['reason']
    assert row['strides'] == ''


def test_missing_package(tiny):
    job = tiny(custom_imports=dict(imports=['no_such.models']))
    row = row_of(job)
    assert (row['result'], row['stage']) == (STOCK_FAILS, 'stock build')
    assert row['cause'] == 'missing package'
    assert row['reason'] == 'needs the package no_such, which is not installed'


@pytest.mark.parametrize(
    'task, limits, result, reason',
    [
        (crash, {}, FAILS, 'the process was ended by SIGSEGV'),
        (compute, dict(cpu=1), STOCK_FAILS, 'not done within 1 s of CPU time'),
        (sleep, dict(wall=1), FAILS, 'not done within 1 s'),
        (leave, {}, FAILS, 'the process ended with exit code 3'),
    ],
)
def test_end_of_the_process_is_a_row(task, limits, result, reason):
    row = row_of(Job('a/b.py'), task=task, **limits)
    assert (row['result'], row['cause']) == (result, 'process')
    assert row['reason'] == reason


def test_what_was_found_before_a_crash_is_kept():
    row = row_of(Job('a/b.py'), task=crash)
    assert (row['stage'], row['strides']) == ('training step', '8')
