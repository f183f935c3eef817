"""The demo, in its quick form; on the CPU tests/test_job does it with less."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.gpu
def test_quick_demo(tmp_path):
    pytest.importorskip('sklearn', reason='the digits are those of scikit-learn')
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools/distill.py'), '--quick']
        + ['--work-dir', 'run'],
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=f'{ROOT}:{os.environ.get("PYTHONPATH", "")}'),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert 'GPU (' in done.stdout
    assert (tmp_path / 'run/student/student.pth').is_file()
