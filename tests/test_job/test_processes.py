"""Several processes that train together."""

import json

import forked
import pytest
from runs import JOB_OPTIONS

from mmreviewkd.job import JobError, run_job
from mmreviewkd.job.processes import rank_and_size


def test_ranks(monkeypatch):
    assert rank_and_size('none') == (0, 1)
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '4')
    assert rank_and_size('pytorch') == (1, 4)
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(JobError, match='SLURM_PROCID is not set; start the command'):
        rank_and_size('slurm')


def test_a_dry_run_is_for_the_first_alone(configs, monkeypatch, tmp_path):
    """Nobody would join the others."""
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setattr('mmreviewkd.job.job.Team', None)
    folder = run_job(configs, work_dir=tmp_path, launcher='pytorch', dry_run=True)
    assert folder == tmp_path


@pytest.mark.usefixtures('brief')
def test_two_processes(configs, digits, tmp_path):
    """Both train the same runs; the first alone talks."""
    work_dir = tmp_path / 'work'
    options = JOB_OPTIONS | {'train_cfg.max_epochs': 1}

    def job():
        run_job(configs, digits, work_dir=work_dir, options=options, launcher='pytorch')

    said = forked.together(job, tmp_path)
    assert said.count('3 runs in') == 1
    assert said.count('[3/3 distilled, seed 0] epoch 1/1: ') == 1
    results = json.loads((work_dir / 'results.json').read_text())['runs']
    assert set(results) == {'teacher', 'student', 'distilled'}
    for run in results:
        folder = work_dir / 'seed_0' / run
        assert (folder / 'last.pth').is_file()
        assert (folder / 'console1.log').is_file()
        # Eight images are two steps of four for one process, one step for two.
        assert results[run]['0']['steps'] == 1
