import pytest
import toys
from mmengine.config import Config

from mmreviewkd.job import Detectors, JobError
from mmreviewkd.job.pair import DEMO_SIDE, read_pair

RETINANET = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'
FASTER_RCNN = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'


@pytest.fixture
def demo(configs):
    return configs / 'reviewkd_frcnn.py'


def types(hooks):
    return [hook['type'] for hook in hooks]


def test_demo(demo):
    pair = read_pair(Detectors(), demo)
    # Its checkpoint is that of another training.
    assert pair.checkpoint is None and pair.max_side == DEMO_SIDE
    assert pair.distilled.model.teacher_checkpoint is None
    teacher, student = pair.teacher.model, pair.student.model
    assert teacher.backbone.base_channels == 32 and student.backbone.base_channels == 8
    assert pair.distilled.model.student == student
    assert pair.distilled.model.teacher == teacher
    # Its own schedule, and that of the student alone is the distilled run's.
    assert pair.teacher.train_cfg.max_epochs == 12
    own = Config.fromfile(demo.parent / 'frcnn_student.py')
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert pair.student[key] == pair.distilled[key] == own[key]
    assert 'frozen_teacher' in pair.distilled.default_hooks
    assert pair.student.default_hooks == own.default_hooks


def test_published_pair(demo):
    pair = read_pair(Detectors(pair='reviewkd_frcnn_r101_r18'), demo)
    assert pair.student.model.backbone.depth == 18
    assert pair.student.optim_wrapper.optimizer.lr == 0.01
    assert pair.teacher.model.backbone.depth == 101
    assert pair.teacher.train_cfg.max_epochs == 24
    assert pair.checkpoint.startswith('https://') and pair.max_side is None
    assert pair.distilled.model.teacher_checkpoint == pair.checkpoint


def test_teacher_of_a_pair_is_trained_on_the_data(demo):
    names = Detectors(pair='reviewkd_frcnn_r101_r18', train_teacher=True)
    pair = read_pair(names, demo)
    assert pair.checkpoint is None and pair.start.startswith('https://')
    assert pair.distilled.model.teacher_checkpoint is None


def test_two_trainings(demo):
    """Both keep their pipelines and schedules, and get what this project adds."""
    names = Detectors(student=RETINANET, teacher=FASTER_RCNN, teacher_checkpoint='t')
    pair = read_pair(names, demo)
    assert pair.student.model.type == 'RetinaNet'
    assert pair.teacher.model.type == 'FasterRCNN'
    assert pair.distilled.model.type == 'DistilledModel'
    assert pair.distilled.model.distillation.type == 'FeatureDistillation'
    assert pair.checkpoint == 't' and pair.max_side is None
    assert pair.student.optim_wrapper == pair.distilled.optim_wrapper
    for cfg in (pair.student, pair.teacher, pair.distilled):
        assert cfg.custom_imports.imports == ['mmreviewkd']
        assert cfg.default_hooks.checkpoint.backend_args.backend == 'atomic'
        assert cfg.default_hooks.preemption.type == 'PreemptionHook'


def test_files_that_a_pair_names(demo, tmp_path, monkeypatch):
    """They are beside it, whatever the current folder is."""
    folder = tmp_path / 'configs'
    folder.mkdir()
    (folder / 'own.py').write_text(f"_base_ = '{RETINANET}'\nwork_dir = 'own'\n")
    (folder / 'pair.py').write_text(
        f"_base_ = ['{demo.parents[1]}/_base_/coco_1x.py',\n"
        f"    '{demo.parents[1]}/_base_/reviewkd.py']\n"
        "model = dict(student=dict(_base_='own.py', bbox_head=dict(stacked_convs=2)),\n"
        "    teacher='own.py', teacher_checkpoint='t.pth')\n"
        "custom_hooks = [dict(type='DistillScheduleHook'), dict(type='MyHook')]\n"
    )
    monkeypatch.chdir(tmp_path)
    pair = read_pair(Detectors(pair='configs/pair.py'), demo)
    assert pair.student.model.bbox_head.stacked_convs == 2
    assert pair.teacher.work_dir == 'own'
    # Those that look at a teacher are not for the student alone.
    assert types(pair.distilled.custom_hooks) == ['DistillScheduleHook', 'MyHook']
    assert types(pair.student.custom_hooks) == ['MyHook']


def write_pair(folder, **fields):
    """Write the config of a run without a teacher's file; return its name."""
    model = dict(type='Net', data_preprocessor=dict(type='ImgDataPreprocessor'))
    distilled = dict(
        type='DistilledModel',
        student=dict(type='Net'),
        teacher=model,
        teacher_checkpoint='t.pth',
        distillation=dict(type='FeatureDistillation'),
    )
    cfg = dict(
        model=distilled,
        train_dataloader=dict(batch_size=2),
        train_cfg=dict(max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD')),
    )
    Config(cfg | fields).dump(folder / 'pair.py')
    return str(folder / 'pair.py')


def test_models_are_of_the_runs_library(demo, tmp_path, other_library):
    other_library.register_module('Net', module=toys.Classifier)
    file = write_pair(tmp_path, default_scope='other')
    pair = read_pair(Detectors(pair=file), demo)
    assert pair.student.model.type == pair.teacher.model.type == 'Net'


def test_preprocessor_beside_the_model(demo, tmp_path, other_library):
    other_library.register_module('Net', module=toys.Classifier)
    beside = dict(type='ImgDataPreprocessor', mean=[1, 2, 3], std=[1, 1, 1])
    file = write_pair(tmp_path, default_scope='other', data_preprocessor=beside)
    pair = read_pair(Detectors(pair=file), demo)
    assert pair.student.model.data_preprocessor == beside
    assert pair.distilled.model.student.data_preprocessor == beside
    # The teacher has its own.
    assert pair.teacher.model.data_preprocessor == dict(type='ImgDataPreprocessor')


def test_other_student_of_the_demo(demo):
    pair = read_pair(Detectors(), demo, dict(student=RETINANET))
    assert pair.student.model.type == 'RetinaNet'
    assert pair.student.train_cfg.max_epochs == 8


@pytest.mark.parametrize(
    'names, message',
    [
        (dict(student=RETINANET), '--teacher and --student go together'),
        (dict(teacher=RETINANET), '--teacher and --student go together'),
        (dict(pair='a', student='b', teacher='c'), 'leave out --pair'),
        (dict(student='none.py', teacher=RETINANET), 'there is no config file none.py'),
        (dict(student=RETINANET, teacher='none.py'), 'there is no config file none.py'),
        (dict(pair=RETINANET), 'not the config of a distillation'),
        (
            dict(
                student='mmdet::_base_/models/retinanet_r50_fpn.py', teacher=RETINANET
            ),
            'it has no train_dataloader',
        ),
        (
            dict(student='mmdet::_base_/default_runtime.py', teacher=RETINANET),
            'has no `model`',
        ),
    ],
)
def test_what_does_not_fit(demo, names, message):
    with pytest.raises(JobError, match=message):
        read_pair(Detectors(**names), demo)
