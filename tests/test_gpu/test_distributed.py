"""One process through the launch script, which on a GPU means NCCL."""

import copy
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from runs import tiny_demo

from mmreviewkd.datasets import make_digits

ROOT = Path(__file__).resolve().parents[2]


def test_one_process_trains(tmp_path, device):
    """With synchronised batch normalisation, which is for GPUs only."""
    pytest.importorskip('sklearn', reason='the digits are those of scikit-learn')
    cfg = tiny_demo(make_digits(tmp_path / 'digits', 8, 2, seed=0), tmp_path)
    if device.type == 'cuda':
        norm = dict(type='SyncBN', requires_grad=True)
        # Not the teacher's, which may be the same dict.
        cfg.model.student = copy.deepcopy(cfg.model.student)
        cfg.model.student.backbone.norm_cfg = norm
        assert cfg.env_cfg.dist_cfg.backend == 'nccl'
        cfg.model.distillation.connector.norm_cfg = dict(type='SyncBN')
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.dump(tmp_path / 'config.py')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    folder = str(Path(sys.executable).parent)
    env = os.environ | dict(
        PORT=port, OMP_NUM_THREADS='1',
        PATH=os.pathsep.join([folder, os.environ['PATH']]),
    )  # fmt: skip
    if device.type == 'cpu':
        env['CUDA_VISIBLE_DEVICES'] = ''
    done = subprocess.run(
        [str(ROOT / 'tools/dist_train.sh'), str(tmp_path / 'config.py'), '1']
        + ['--work-dir', str(tmp_path / 'run')],
        env=env, capture_output=True, text=True,
    )  # fmt: skip
    out = done.stdout + done.stderr
    assert done.returncode == 0, out[-4000:]
    assert ('1 process on the CPU, over gloo' in out) == (device.type == 'cpu')
    state = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=False)['state_dict']
    assert all(value.isfinite().all() for value in state.values())
