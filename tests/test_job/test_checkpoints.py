import os
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub

from mmreviewkd.files import write_json
from mmreviewkd.job import JobError
from mmreviewkd.job.checkpoints import StableNamesHook, link, trained_weights
from mmreviewkd.job.plan import Run


@pytest.fixture
def runner(tmp_path):
    hub = MessageHub('stable_names')
    return SimpleNamespace(work_dir=str(tmp_path), message_hub=hub, epoch=0)


def test_best_and_last(runner, tmp_path):
    hook = StableNamesHook('coco/bbox_mAP')
    for epoch, ap in enumerate((0.1, 0.3, 0.3, 0.2), start=1):
        (tmp_path / f'epoch_{epoch}.pth').write_text(str(epoch))
        runner.epoch = epoch - 1
        hook.after_train_epoch(runner)
        runner.epoch = epoch
        hook.after_val_epoch(runner, {'coco/bbox_mAP': ap})
    # Of equal ones the first; it stays where MMEngine removes it.
    (tmp_path / 'epoch_2.pth').unlink()
    assert (tmp_path / 'best.pth').read_text() == '2'
    assert (tmp_path / 'last.pth').read_text() == '4'
    # A resumed run knows the best from its checkpoint.
    StableNamesHook('coco/bbox_mAP').after_val_epoch(runner, {'coco/bbox_mAP': 0.25})
    assert (tmp_path / 'best.pth').read_text() == '2'


def test_nothing_detected(runner, tmp_path):
    (tmp_path / 'epoch_1.pth').write_text('1')
    runner.epoch = 1
    StableNamesHook('coco/bbox_mAP').after_val_epoch(runner, {})
    assert (tmp_path / 'best.pth').read_text() == '1'


def test_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError('no links')

    monkeypatch.setattr(os, 'link', refuse)
    (tmp_path / 'a').write_text('new')
    (tmp_path / 'b').write_text('old')
    link(tmp_path / 'a', tmp_path / 'b')
    assert (tmp_path / 'b').read_text() == 'new'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'b']


def test_checkpoints_that_are_gone(tmp_path):
    run = Run('teacher', tmp_path, Config(dict(randomness=dict(seed=0))))
    with pytest.raises(
        JobError, match=r'^teacher, seed 0 is finished, but .* are gone'
    ):
        trained_weights(run)


def test_finished_run_in_a_copied_folder(tmp_path):
    """Whatever the times, it is the epoch of the result, not a former interruption."""
    run = Run('teacher', tmp_path, Config(dict(randomness=dict(seed=0))))
    for time, name in enumerate(('epoch_11.pth', 'epoch_12.pth', 'iter_7.pth')):
        torch.save({}, tmp_path / name)
        os.utime(tmp_path / name, (time, time))
    assert trained_weights(run) == str(tmp_path / 'iter_7.pth')
    write_json(tmp_path / 'result.json', dict(epochs=[dict(epoch=12)]))
    assert trained_weights(run) == str(tmp_path / 'epoch_12.pth')
