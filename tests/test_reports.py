"""What users of other projects have reported, and what holds here."""

import pytest
import torch
import toys
from coco_sets import write_coco
from mmdet.apis import init_detector
from mmengine.config import Config
from runs import coco_run

from mmreviewkd.distillers import publish_student, students_own
from mmreviewkd.model_config import resolve_model_config
from mmreviewkd.teachers.teacher import Teacher

ABC = ('a', 'b', 'c')


@pytest.fixture
def teacher(tmp_path):
    return toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')


@pytest.fixture
def run(teacher, tmp_path):
    """A run's config file and a checkpoint."""
    cfg = coco_run('reviewkd_frcnn.py', write_coco(tmp_path / 'data', names=ABC), ABC)
    # As configs/_base_/reviewkd.py has it.
    cfg.model = toys.distilled(teacher, backbone=dict())
    path = tmp_path / 'run.py'
    cfg.dump(path)
    meta = dict(dataset_meta=dict(classes=ABC))
    state = toys.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'epoch_1.pth')
    return path, tmp_path / 'epoch_1.pth'


@pytest.mark.parametrize('options', [{}, {'test_cfg.type': 'TestLoop'}])
def test_init_detector_takes_the_config_of_a_run(run, options):
    path, checkpoint = run
    model = init_detector(
        str(path), str(checkpoint), device='cpu', cfg_options=options or None
    )
    assert model.dataset_meta['classes'] == ABC


def test_a_student_that_starts_from_a_file(teacher):
    pretrained = dict(type='Pretrained', checkpoint=teacher)
    model = toys.build(
        toys.distilled('random', student=toys.detector(init_cfg=pretrained))
    )
    model.init_weights()
    expected = torch.load(teacher)['state_dict']
    for name, value in students_own(model.state_dict()).items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_the_config_of_a_run_stands_for_its_student(run, who):
    path, _ = run
    assert resolve_model_config(str(path)).type == 'FasterRCNN'
    model = toys.build(toys.distilled('random', **{who: str(path)}))
    assert toys.losses(model, toys.batch())['loss_distill'] > 0


def test_batch_statistics_of_frozen_parts_stay(teacher):
    """Parameters and statistics, through training steps and `train()`."""
    model = toys.build(toys.distilled(teacher, frozen=('backbone',)))
    model.init_weights()
    model.train()
    before = {n: v.clone() for n, v in model.backbone.state_dict().items()}
    for seed in range(3):
        toys.losses(model, toys.batch(seed=seed))
        model.train()
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_teacher_without_a_preprocessor_takes_the_students(teacher):
    config = toys.detector()
    seen = {}
    for name, changes in (('own', {}), ('none', dict(data_preprocessor=None))):
        model = toys.build(toys.distilled(teacher, teacher=config | changes))
        data = model.data_preprocessor(toys.batch(), training=True)
        seen[name] = model.teacher(
            data['inputs'], data['data_samples'], model.data_preprocessor
        )
    for own, none in zip(seen['own'], seen['none'], strict=True):
        assert torch.equal(own, none)


@pytest.mark.parametrize('prefix', ['module.', 'teacher.', 'student.', 'model.'])
def test_prefixes_in_the_teachers_checkpoint(teacher, tmp_path, prefix):
    state = torch.load(teacher)['state_dict']
    path = str(tmp_path / 'prefixed.pth')
    torch.save(dict(state_dict={prefix + n: v for n, v in state.items()}), path)
    loaded = []
    for name in (teacher, path):
        built = Teacher(toys.detector(), name)
        built.measure()
        built.load(toys.build(toys.detector()).data_preprocessor)
        loaded.append(built.model.state_dict())
    for name, value in loaded[0].items():
        assert torch.equal(value, loaded[1][name]), name


def test_a_gray_teacher_under_a_colour_student():
    gray = toys.detector()
    gray.backbone.in_channels = 1
    gray.data_preprocessor.update(mean=[100.0], std=[50.0], bgr_to_rgb=False)
    model = toys.build(toys.distilled('random', teacher=gray))
    with pytest.raises(ValueError, match='the teacher takes images of 1 channel'):
        toys.losses(model, toys.batch())


def test_custom_imports_are_published(run, tmp_path):
    path, checkpoint = run
    cfg = Config.fromfile(path)
    cfg.custom_imports = dict(imports=['mmreviewkd', 'json'])
    config, _ = publish_student(cfg, str(checkpoint), tmp_path / 'out')
    assert Config.fromfile(config).custom_imports.imports == ['mmreviewkd', 'json']


def test_a_name_that_a_dict_overrides(tmp_path):
    path = tmp_path / 'child.py'
    path.write_text(
        f"_base_ = '{toys.CONFIGS}/small/reviewkd_frcnn.py'\n"
        'model = dict(student=dict(backbone=dict(depth=34)))\n'
    )
    with pytest.raises(TypeError, match='_delete_=True'):
        Config.fromfile(path)


def test_parameters_of_the_run_are_the_students_and_the_distillations(teacher):
    model = toys.build(toys.distilled(teacher))
    own = students_own(dict(model.named_parameters()))
    plain = toys.build(toys.detector())
    assert sum(p.numel() for p in own.values()) == sum(
        p.numel() for p in plain.parameters()
    )
