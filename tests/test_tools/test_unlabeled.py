"""Training on labelled and unlabelled images, through the scripts of tools/."""

import forked
import pytest
import torch
import toys
from coco_sets import save_as, write_coco
from runs import coco_run

from mmreviewkd.datasets import add_unlabeled

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


def train(cfg, folder, *arguments):
    """Train in a forked process; return its exit code, and what it says."""
    folder.mkdir(exist_ok=True)
    cfg.dump(folder / 'config.py')
    console = folder / 'console.txt'
    child = forked.start(lambda: script(folder, *arguments), console)
    return forked.end(child), console.read_text()


def script(folder, *arguments):
    config, work_dir = folder / 'config.py', folder / 'run'
    forked.script('train.py', config, '--work-dir', work_dir, *arguments)


def weights(folder, epoch=2):
    path = folder / f'run/epoch_{epoch}.pth'
    return torch.load(path, weights_only=False)['state_dict']


def test_a_resumed_run_ends_in_the_same_weights(cfg, tmp_path):
    code, said = train(cfg, tmp_path / 'whole')
    assert code == 0, said
    expected = weights(tmp_path / 'whole')
    resumed = tmp_path / 'whole'
    (resumed / 'run/epoch_2.pth').unlink()
    code, said = train(cfg, resumed, '--resume', resumed / 'run/epoch_1.pth')
    assert code == 0, said
    for name, value in weights(resumed).items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)


def test_two_processes(cfg, tmp_path):
    """All parameters get gradients, or the processes would wait for each other."""
    folder = tmp_path / 'two'
    folder.mkdir()
    cfg.dump(folder / 'config.py')
    forked.together(lambda: script(folder, '--launcher', 'pytorch'), folder)
    last = torch.load(folder / 'run/epoch_2.pth', weights_only=False)
    assert last['meta']['iter'] == 2


def test_a_plain_detector_is_refused(cfg, tmp_path):
    plain = cfg.copy()
    plain.model = toys.detector()
    plain.default_hooks.pop('frozen_teacher')
    code, said = train(plain, tmp_path / 'plain')
    assert code == 2
    assert 'would learn to take for images without objects' in said
