from argparse import Namespace

import pytest

from mmreviewkd.support import command
from mmreviewkd.support.table import read_rows

LIST = """
families: [a/b.py]
pairs:
- {student: a/b.py, teacher: c/d.py, settings: {resize: pool}}
- {student: e/f.py, teacher: c/d.py, settings: {resize: pool}}
left_out: {}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command on the list, without models; tells the jobs that ran."""
    (tmp_path / 'list.yaml').write_text(LIST)
    ran = []

    def run_job(job, cpu, wall):
        ran.append((job.student, job.teacher, bool(job.settings)))
        failed = job.student == 'a/b.py' and job.teacher and not job.settings
        return dict(stage='build', cause='error', reason='no') if failed else {}

    def run(*flags):
        ran.clear()
        command.main(
            Namespace(
                table=tmp_path / 't.csv',
                page=tmp_path / 'p.md',
                list=tmp_path / 'list.yaml',
                cpu=1,
                wall=1,
                no_run='--no-run' in flags,
            )
        )
        return list(ran)

    monkeypatch.setattr(command, 'run_job', run_job)
    return run


def test_settings_are_tried_only_after_a_failure(run, tmp_path):
    assert run() == [
        ('a/b.py', None, False),
        ('a/b.py', 'c/d.py', False),
        ('a/b.py', 'c/d.py', True),
        ('e/f.py', 'c/d.py', False),
    ]
    results = [row['result'] for row in read_rows(tmp_path / 't.csv')]
    assert results == ['works', 'fails', 'works', 'works']
    assert "works with `resize='pool'`" in (tmp_path / 'p.md').read_text()


def test_jobs_in_the_table_are_not_run_again(run, tmp_path):
    run()
    table = tmp_path / 't.csv'
    lines = table.read_text().splitlines(keepends=True)
    table.write_text(''.join(lines[:-1]))
    assert run() == [('e/f.py', 'c/d.py', False)]
    assert table.read_text() == ''.join(lines)


def test_page_alone(run, tmp_path):
    assert run('--no-run') == []
    assert (tmp_path / 'p.md').is_file()
    assert not (tmp_path / 't.csv').exists()
