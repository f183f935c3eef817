import runpy

import pytest
import torch
import toys
from coco_sets import change, write_coco
from mmengine.config import Config
from runs import coco_run

from mmreviewkd.preflight import preflight

TOOL = toys.CONFIGS.parent / 'tools' / 'preflight.py'


@pytest.fixture
def cfg(tmp_path):
    """A sound config, of three classes, on a sound data set."""
    data = write_coco(tmp_path / 'data', names=('a', 'b', 'c'), labels=(0, 1, 2))
    cfg = coco_run('reviewkd_frcnn.py', data, ('a', 'b', 'c'))
    cfg.train_dataloader.batch_size = 2
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    cfg.model = toys.distilled(checkpoint)
    return cfg


def test_sound_config(cfg):
    found = preflight(cfg)
    assert found.problems == []
    # Training and validation once each, though testing reads the latter too.
    assert sum('2 images, 6 annotations' in note for note in found.notes) == 2
    assert 'a training step: loss' in found.notes[-1]
    assert 'loss_distill' in found.notes[-1]


def test_fault_of_the_data_ends_it_before_the_step(cfg, tmp_path):
    change(tmp_path / 'data', lambda coco: coco['images'][0].update(file_name='gone'))
    found = preflight(cfg)
    assert len(found.problems) == 1 and "'gone'" in found.problems[0]
    assert not any('training step' in note for note in found.notes)


def test_classes_of_the_heads(cfg):
    cfg.model.student.roi_head.bbox_head.num_classes = 80
    cfg.model.teacher.roi_head.bbox_head.num_classes = 80
    found = preflight(cfg)
    (problem,) = found.problems
    assert 'student has 80 classes in roi_head.bbox_head, the data 3' in problem
    assert 'set num_classes=3' in problem
    assert any('the teacher has 80 classes' in note for note in found.notes)


def test_evaluator_of_other_data(cfg):
    cfg.val_evaluator.ann_file = '/elsewhere/instances_val.json'
    (problem,) = preflight(cfg).problems
    assert problem.startswith("val_evaluator.ann_file is '/elsewhere/instances_val")


def test_teacher_that_does_not_fit(cfg):
    state = dict(other=torch.zeros(1))
    torch.save(dict(state_dict=state), cfg.model.teacher_checkpoint)
    (problem,) = preflight(cfg).problems
    assert 'cannot be built and initialised' in problem
    assert 'missing in the checkpoint' in problem


def test_typo_in_the_student(cfg):
    cfg.model.student.backbone.detph = 18
    (problem,) = preflight(cfg).problems
    assert 'cannot be built' in problem and "'detph'" in problem


def test_broken_step(cfg):
    cfg.model.distillation.out_channels = [8] * 5
    cfg.train_dataloader.dataset.pipeline[2].scale = (16, 16)
    cfg.model.student.rpn_head.anchor_generator.strides = [4, 8, 16, 32]
    cfg.model.levels = [(i, i) for i in range(5)]
    (problem,) = preflight(cfg).problems
    assert 'a training step fails: ' in problem


def test_losses_that_are_not_finite(cfg):
    state = torch.load(cfg.model.teacher_checkpoint)
    state['state_dict']['neck.fpn_convs.1.conv.bias'][0] = float('nan')
    torch.save(state, cfg.model.teacher_checkpoint)
    (problem,) = preflight(cfg).problems
    assert 'loss_distill is nan' in problem and "teacher's neck[1] (stride 8" in problem
    cfg.model.non_finite = 'ignore'
    (problem,) = preflight(cfg).problems
    assert "not finite: 'loss', 'loss_distill'" in problem


@pytest.mark.parametrize('sound', [True, False])
def test_tool(cfg, tmp_path, monkeypatch, capsys, sound):
    if not sound:
        cfg.model.student.roi_head.bbox_head.num_classes = 80
    cfg.dump(tmp_path / 'config.py')
    monkeypatch.setattr('sys.argv', ['preflight.py', str(tmp_path / 'config.py')])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert end.value.code == (0 if sound else 1)
    out = capsys.readouterr().out
    assert ('No problem was found.' in out) == sound
    assert ('PROBLEM  the student has 80' in out) != sound


def test_plain_detector(cfg):
    cfg.model = Config(dict(model=toys.detector())).model
    found = preflight(cfg)
    assert found.problems == []
    assert 'loss_rpn_cls' in found.notes[-1]
