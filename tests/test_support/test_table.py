from mmreviewkd.support.jobs import Job
from mmreviewkd.support.table import append_row, find, make_row, read_rows

JOB = Job('a/b.py', dict(type='TimmModel', model='x'), dict(levels=[8]))


def test_rows_are_read_as_they_were_written(tmp_path):
    path = tmp_path / 'new' / 'table.csv'
    assert read_rows(path) == []
    rows = [
        make_row(JOB, dict(reason='says "this", and\nthat', seconds=2.5), 'torch 2.6'),
        make_row(Job('a/b.py'), dict(strides='8 16'), 'torch 2.6'),
    ]
    for row in rows:
        append_row(path, row)
    assert read_rows(path) == rows


def test_find_a_job():
    row = make_row(JOB, {}, 'torch 2.6')
    assert find([row], JOB) is row
    assert find([row], Job('a/b.py', JOB.teacher)) is None
    assert find([row], Job('a/b.py')) is None
