"""Training on labelled and unlabelled images, through the scripts of tools/."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toys
from coco_sets import save_as, write_coco
from runs import coco_run

from mmreviewkd.datasets import add_unlabeled

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ('cat', 'dog', 'cow')


@pytest.fixture(scope='module')
def cfg(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    root = write_coco(folder / 'data', CLASSES, images_each=4)
    (root / 'more').mkdir()
    for number in range(6):
        save_as('plain', root / f'more/{number}.png', 48, 64)
    detector = toys.detector()
    cfg = coco_run('reviewkd_frcnn.py', root, CLASSES)
    cfg.train_cfg.max_epochs = 2
    cfg.model.update(
        student=detector,
        teacher=detector,
        teacher_checkpoint=toys.save_teacher(detector, folder / 'teacher.pth'),
    )
    cfg.train_dataloader.batch_size = 2
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    add_unlabeled(cfg, root / 'more')
    return cfg


def train(cfg, folder, *arguments, processes=0):
    folder.mkdir(exist_ok=True)
    cfg.dump(folder / 'config.py')
    start = [sys.executable]
    if processes:
        start += ['-m', 'torch.distributed.run', '--standalone']
        start += [f'--nproc_per_node={processes}']
        arguments = (*arguments, '--launcher', 'pytorch')
    done = subprocess.run(
        [*start, ROOT / 'tools/train.py', folder / 'config.py']
        + ['--work-dir', folder / 'run', *arguments],
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )
    return done


def weights(folder, epoch=2):
    path = folder / f'run/epoch_{epoch}.pth'
    return torch.load(path, weights_only=False)['state_dict']


def test_a_resumed_run_ends_in_the_same_weights(cfg, tmp_path):
    done = train(cfg, tmp_path / 'whole')
    assert done.returncode == 0, done.stderr
    expected = weights(tmp_path / 'whole')
    resumed = tmp_path / 'whole'
    (resumed / 'run/epoch_2.pth').unlink()
    done = train(cfg, resumed, '--resume', resumed / 'run/epoch_1.pth')
    assert done.returncode == 0, done.stderr
    for name, value in weights(resumed).items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)


def test_two_processes(cfg, tmp_path):
    """All parameters get gradients, or the processes would wait for each other."""
    done = train(cfg, tmp_path / 'two', processes=2)
    assert done.returncode == 0, done.stderr
    assert (
        torch.load(tmp_path / 'two/run/epoch_2.pth', weights_only=False)['meta']['iter']
        == 2
    )


def test_a_plain_detector_is_refused(cfg, tmp_path):
    plain = cfg.copy()
    plain.model = toys.detector()
    plain.default_hooks.pop('frozen_teacher')
    done = train(plain, tmp_path / 'plain')
    assert done.returncode == 2
    assert 'would learn to take for images without objects' in done.stderr
