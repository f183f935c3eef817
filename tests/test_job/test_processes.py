"""Several processes that train together."""

import json
import os
import subprocess
import sys

import pytest

from mmreviewkd.job import JobError
from mmreviewkd.job.processes import rank_and_size


def test_ranks(monkeypatch):
    assert rank_and_size('none') == (0, 1)
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '4')
    assert rank_and_size('pytorch') == (1, 4)
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(JobError, match='SLURM_PROCID is not set; start the command'):
        rank_and_size('slurm')


def test_two_processes(configs, digits, tmp_path):
    """Both train the same runs; the first alone talks."""
    work_dir = tmp_path / 'work'
    script = tmp_path / 'job.py'
    script.write_text(
        'import mmreviewkd\n'
        'from runs import JOB_OPTIONS\n'
        'from mmreviewkd.job import Training, run_job\n'
        "options = JOB_OPTIONS | {'train_cfg.max_epochs': 1}\n"
        f'run_job({str(configs)!r}, {str(digits)!r}, work_dir={str(work_dir)!r},\n'
        "        options=options, launcher='pytorch')\n"
    )
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    done = subprocess.run(
        [sys.executable, *launch, str(script)],
        capture_output=True,
        text=True,
        timeout=500,
        env=os.environ | dict(OMP_NUM_THREADS='1', PYTHONPATH=':'.join(sys.path)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('3 runs in') == 1
    assert done.stdout.count('[3/3 distilled, seed 0] epoch 1/1: ') == 1
    results = json.loads((work_dir / 'results.json').read_text())['runs']
    assert set(results) == {'teacher', 'student', 'distilled'}
    for run in results:
        folder = work_dir / 'seed_0' / run
        assert (folder / 'last.pth').is_file()
        assert (folder / 'console1.log').is_file()
        # Eight images are two steps of four for one process, one step for two.
        assert results[run]['0']['steps'] == 1
