import pytest
import torch
import toys
from mmengine.config import Config

from mmreviewkd.distillers import publish_student


def test_config_of_a_plain_detector_is_refused(tmp_path):
    cfg = Config(dict(model=dict(type='FasterRCNN')))
    with pytest.raises(ValueError, match='model.type is FasterRCNN'):
        publish_student(cfg, 'unread.pth', tmp_path)


def test_another_detectors_checkpoint_is_refused(tmp_path):
    """Publishing the teacher's file, say, by mistake."""
    teacher = toys.save_teacher(toys.detector('mrcnn'), tmp_path / 'teacher.pth')
    cfg = Config(dict(model=toys.distilled(None)))
    with pytest.raises(ValueError, match=r'teacher.pth.*\n.*roi_head.mask_head'):
        publish_student(cfg, teacher, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_weights_and_class_names_are_kept(tmp_path):
    model = toys.build(toys.distilled(None))
    meta = dict(dataset_meta=dict(classes=('a', 'b', 'c')), epoch=3)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'run.pth')
    cfg = Config(dict(model=toys.distilled(None), load_from='x', resume=True))
    config, weights = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'out')
    content = torch.load(weights)
    assert content['meta'] == dict(dataset_meta=meta['dataset_meta'])
    plain = toys.build(Config.fromfile(config).model)
    plain.load_state_dict(content['state_dict'], strict=True)
    assert not {'load_from', 'resume'} & set(Config.fromfile(config))


def test_published_config_needs_nothing_of_ours(tmp_path):
    model = toys.build(toys.distilled(None))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'run.pth')
    cfg = Config.fromfile(toys.CONFIGS / 'small' / 'reviewkd_frcnn.py')
    cfg.custom_hooks = [dict(type='DistillScheduleHook'), dict(type='EMAHook')]
    cfg.model = toys.distilled(None)
    config, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'out')
    plain = Config.fromfile(config)
    assert plain.custom_hooks == [dict(type='EMAHook')]
    assert not {'exact_resume', 'frozen_teacher'} & set(plain.default_hooks)
    assert plain.default_hooks.checkpoint.type == 'CheckpointHook'
    assert 'backend_args' not in plain.default_hooks.checkpoint
    assert 'visualization' in plain.default_hooks
    assert 'mmreviewkd' not in config.read_text()
    # The run's own config is left as it was.
    assert 'exact_resume' in cfg.default_hooks
