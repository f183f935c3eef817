import pytest
import torch
import toys
from mmengine.config import Config

from mmreviewkd.job import JobError
from mmreviewkd.job.start import (
    check_start,
    check_weights,
    random_model,
    start_from_checkpoint,
    start_from_scratch,
)

PRETRAINED = dict(type='Pretrained', checkpoint='torchvision://resnet50')


def detector():
    backbone = dict(
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=PRETRAINED,
    )
    return dict(type='A', backbone=backbone)


def test_from_scratch_nothing_is_frozen():
    model = Config(detector())
    backbone = random_model(model._cfg_dict).backbone
    assert backbone.init_cfg is None and backbone.frozen_stages == -1
    assert not backbone.norm_eval and backbone.norm_cfg.requires_grad
    assert model.backbone.frozen_stages == 1


@pytest.mark.parametrize('model', [detector(), dict(student=detector())])
def test_from_scratch_no_checkpoint_is_loaded(model):
    cfg = Config(dict(model=model, load_from='a.pth'))
    start_from_scratch(cfg)
    assert cfg.load_from is None
    backbone = cfg.model.get('student', cfg.model).backbone
    assert backbone.init_cfg is None and backbone.frozen_stages == -1


def test_from_a_checkpoint():
    plain = Config(dict(model=detector()))
    start_from_checkpoint(plain, 'a.pth')
    assert plain.load_from == 'a.pth' and plain.model.backbone.init_cfg is None
    # What is frozen stays so: it is trained.
    assert plain.model.backbone.frozen_stages == 1
    both = Config(dict(model=dict(student=detector(), inherit=('neck',))))
    start_from_checkpoint(both, 'a.pth')
    assert both.model.student.backbone.init_cfg is None and both.model.inherit == ()


def test_one_start():
    check_start(True, None)
    with pytest.raises(JobError, match='leave one of them out'):
        check_start(True, 'a.pth')
    with pytest.raises(JobError, match='--student-checkpoint a.pth: there is no such'):
        check_start(False, 'a.pth')
    check_start(False, 'https://a/a.pth')


def test_weights_of_another_detector(tmp_path):
    model = toys.build(toys.detector())
    path = tmp_path / 'own.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    check_weights(model, str(path), strict=True)
    other = toys.detector()
    other.roi_head.bbox_head.num_classes = 5
    other = toys.build(other)
    # Layers for other classes may differ where training starts.
    check_weights(other, str(path), strict=False)
    with pytest.raises(ValueError, match='roi_head.bbox_head.fc_cls.weight'):
        check_weights(other, str(path), strict=True)
    with pytest.raises(ValueError, match='is the checkpoint of another detector'):
        check_weights(torch.nn.Linear(2, 2), str(path), strict=False)
