import pytest
import torch
import toys
from mmengine.config import Config

from mmreviewkd.support import check as module
from mmreviewkd.support.check import check, model_config, own_losses
from mmreviewkd.support.jobs import Job


@pytest.fixture
def found(tmp_path):
    """Check the smallest Faster R-CNN in this process; tells what it reports."""

    def found():
        Config(dict(model=toys.detector())).dump(tmp_path / 'tiny.py')
        result = {}
        check(Job(str(tmp_path / 'tiny.py'), size=(64, 64)), result.update)
        return result

    return found


def test_works(found):
    assert found().keys() == {
        'seconds',
        'stage',
        'strides',
        'channels',
        'teacher_strides',
        'teacher_channels',
    }


def test_other_losses_are_a_failure(found, monkeypatch):
    original = module._losses

    def losses(model, data):
        out = original(model, data)
        if getattr(model, 'distill_strength', 0):
            out['loss_cls'] = out['loss_cls'] + 0.1
        return out

    monkeypatch.setattr(module, '_losses', losses)
    result = found()
    assert (result['stage'], result['cause']) == ('training step', 'error')
    assert 'are not those of MMDetection' in result['reason']


def test_losses_that_are_not_finite_are_mmdetections_failure(found, monkeypatch):
    monkeypatch.setattr(
        module, '_losses', lambda *_: dict(loss_cls=torch.tensor(float('nan')))
    )
    result = found()
    assert result['stage'] == 'stock training step'
    assert 'not finite' in result['reason']


def test_own_losses():
    losses = dict(
        loss_rpn=[torch.tensor([1.0, 3.0]), torch.tensor(4.0)],
        acc=torch.tensor(5.0),
        loss_distill=torch.tensor(6.0),
        distill_level_0=torch.tensor(7.0),
    )
    assert own_losses(losses) == dict(loss_rpn=[2.0, 4.0], acc=[5.0])


def test_config_has_nothing_to_download_and_the_size_of_the_images():
    cfg = model_config('mask2former/mask2former_r50_8xb2-lsj-50e_coco.py', (64, 96))
    assert 'Pretrained' not in str(cfg)
    (pad,) = cfg.data_preprocessor.batch_augments
    assert tuple(pad.size) == (64, 96)


def test_config_of_a_detectors_own_teacher_is_found():
    cfg = model_config('ld/ld_r18-gflv1-r101_fpn_1x_coco.py', (64, 96))
    assert Config.fromfile(cfg.teacher_config).model.type == 'GFL'
    assert cfg.teacher_ckpt is None


def test_config_has_few_proposals():
    cfg = model_config('faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', (64, 96))
    assert cfg.train_cfg.rpn_proposal.max_per_img == 100
    assert cfg.test_cfg.rpn.max_per_img == 100
