import copy
import re

import pytest
import torch
import toys
from coco_sets import save_as
from mmdet.apis import init_detector
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from runs import small_run

from mmreviewkd.datasets import add_unlabeled
from mmreviewkd.distillers import publish_student
from mmreviewkd.model_config import build_model


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
    assert plain.custom_imports == dict(
        imports=['mmreviewkd'], allow_failed_imports=True
    )
    assert config.read_text().count('mmreviewkd') == 1
    # The run's own config is left as it was.
    assert 'exact_resume' in cfg.default_hooks


def test_class_of_another_library_with_a_name_of_ours(tmp_path, monkeypatch):
    kind = type('ImageClassifier', (MMDET_MODELS.get('FasterRCNN'),), {})
    monkeypatch.setitem(MMDET_MODELS.module_dict, 'ImageClassifier', kind)
    student = toys.detector(type='ImageClassifier', _scope_='mmdet')
    config = toys.distilled(None, student=student)
    state = toys.build(copy.deepcopy(config)).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'run.pth')
    cfg = Config(dict(model=config))
    config, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'out')
    assert Config.fromfile(config).custom_imports.allow_failed_imports


def publish(cfg, folder, meta=None):
    """Build the model of a run's config, and publish it untrained."""
    init_default_scope(cfg.get('default_scope') or 'mmdet')
    state = build_model(copy.deepcopy(cfg.model)).state_dict()
    DefaultScope._instance_dict.clear()
    torch.save(dict(state_dict=state, meta=meta or {}), folder / 'run.pth')
    return publish_student(cfg, str(folder / 'run.pth'), folder / 'out')


def test_student_is_of_the_runs_library(tmp_path, other_library):
    other_library.register_module('ImageClassifier', module=toys.Classifier)
    student = dict(
        type='ImageClassifier', data_preprocessor=dict(type='ImgDataPreprocessor')
    )
    model = toys.distilled('random', student=student, teacher=dict(student))
    config, weights = publish(
        Config(dict(default_scope='other', model=model)), tmp_path
    )
    plain = Config.fromfile(config)
    assert plain.default_scope == 'other' and '_scope_' not in plain.model
    # It is not this package's class of the same name.
    assert plain.custom_imports.allow_failed_imports
    assert list(torch.load(weights)['state_dict']) == [
        'backbone.weight',
        'backbone.bias',
        'head.weight',
        'head.bias',
    ]


@pytest.mark.parametrize('scope', ['mmdet', 'other'])
def test_scope_is_written_where_it_is_not_that_of_the_file(
    scope, tmp_path, other_library
):
    cfg = Config(dict(default_scope=scope, model=toys.distilled(None)))
    config, _ = publish(cfg, tmp_path)
    found = Config.fromfile(config).model.get('_scope_')
    assert found == (None if scope == 'mmdet' else 'mmdet')


def test_checkpoint_without_class_names(tmp_path):
    """MMDetection then takes those of COCO."""
    cfg = Config.fromfile(toys.CONFIGS / 'small' / 'reviewkd_frcnn.py')
    cfg.model = toys.distilled(None)
    config, weights = publish(cfg, tmp_path)
    assert torch.load(weights)['meta'] == {}
    with pytest.warns(UserWarning, match='use COCO classes'):
        detector = init_detector(str(config), str(weights), device='cpu')
    assert len(detector.dataset_meta['classes']) == 80


def test_preprocessor_beside_the_model_comes_into_it(tmp_path):
    model = toys.distilled(None)
    beside = model['student'].pop('data_preprocessor')
    cfg = Config(dict(model=model, data_preprocessor=beside))
    config, _ = publish(cfg, tmp_path)
    plain = Config.fromfile(config)
    assert plain.model.data_preprocessor == beside
    assert 'data_preprocessor' not in plain


def test_part_of_ours_within_a_detector_needs_the_package(tmp_path):
    student = toys.detector()
    student.roi_head.bbox_head.loss_bbox = dict(type='HCLLoss')
    cfg = Config(dict(model=toys.distilled(None, student=student)))
    config, _ = publish(cfg, tmp_path)
    imports = Config.fromfile(config).custom_imports
    assert imports == dict(imports=['mmreviewkd'], allow_failed_imports=False)


def test_unlabelled_images_are_left_out(tmp_path):
    """A plain detector cannot be trained on them."""
    model = toys.build(toys.distilled(None))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'run.pth')
    cfg = Config.fromfile(toys.CONFIGS / 'small' / 'reviewkd_frcnn.py')
    cfg.model = toys.distilled(None)
    save_as('plain', tmp_path / 'image.png')
    before, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'before')
    add_unlabeled(cfg, tmp_path, pseudo_labels=tmp_path / 'pseudo.json')
    after, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'after')
    assert after.read_text() == before.read_text()


def test_published_config_holds_nothing_of_this_machine(tmp_path):
    model = toys.build(toys.distilled(None))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'run.pth')
    cfg = small_run('reviewkd_frcnn.py', tmp_path / 'somewhere' / 'shapes')
    cfg.model = toys.distilled(None)
    cfg.model['student'].backbone.init_cfg = dict(
        type='Pretrained', checkpoint=f'{tmp_path}/r18.pth'
    )
    cfg.update(
        work_dir=f'{tmp_path}/work',
        experiment_name='mine',
        my_notes=f'{tmp_path}/notes.txt',
        custom_imports=dict(imports=['mmreviewkd.methods', 'sub.package']),
    )
    cfg.test_evaluator.outfile_prefix = f'{tmp_path}/predictions'
    cfg.train_dataloader.dataset.pipeline[0] = dict(
        type='LoadImageOrSkip', broken_list=f'{tmp_path}/broken.txt'
    )
    split = f'{tmp_path}/work/data/val.json'
    cfg.val_dataloader.dataset.ann_file = cfg.val_evaluator.ann_file = split
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.indices = 2
    cfg.tta_pipeline = [dict(type='LoadImageFromFile', backend_args='../x/y')]
    config, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'out')
    assert str(tmp_path) not in config.read_text()
    assert not re.search(r"""['"](/|~|\.\.)""", config.read_text())
    assert 'indices=2' not in config.read_text()
    plain = Config.fromfile(config, import_custom_modules=False)
    assert plain.custom_imports.imports == ['mmreviewkd', 'sub.package']
    assert plain.test_dataloader.dataset.data_root == 'data/shapes/'
    assert plain.test_evaluator.ann_file == (
        'data/shapes/annotations/instances_val.json'
    )
    assert plain.model.backbone.init_cfg is None
    assert plain.train_dataloader.dataset.pipeline[0] == dict(type='LoadImageFromFile')
    # The file of a split, which the job has written elsewhere.
    assert plain.val_dataloader.dataset.ann_file == 'val.json'
    assert plain.val_evaluator.ann_file == 'data/shapes/val.json'
    # What nobody reads, such as variables of the base configs, is gone.
    assert not {'my_notes', 'experiment_name', 'data_root', 'randomness'} & set(plain)
    # What trains the plain student is there.
    assert {'train_cfg', 'optim_wrapper', 'param_scheduler'} <= set(plain)
