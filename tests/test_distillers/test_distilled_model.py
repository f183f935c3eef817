import copy
import pickle

import pytest
import torch
import toys
from mmdet.models import FasterRCNN
from mmengine.optim import build_optim_wrapper
from mmengine.runner import load_checkpoint, save_checkpoint

from mmreviewkd.distillers.inherit import Start


@pytest.fixture
def teacher_checkpoint(tmp_path):
    return toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')


@pytest.fixture
def model(teacher_checkpoint):
    model = toys.build(toys.distilled(teacher_checkpoint))
    model.init_weights()
    return model.train()


def total(losses):
    return sum(
        sum(value) if isinstance(value, list) else value
        for name, value in losses.items()
        if 'loss' in name
    )


@pytest.mark.parametrize('kind', ['frcnn', 'mrcnn'])
def test_students_own_losses_are_unchanged(tmp_path, kind):
    """Beside them stands one more loss, whose gradient reaches the student."""
    checkpoint = toys.save_teacher(toys.detector(kind), tmp_path / 'teacher.pth')
    model = toys.build(toys.distilled(checkpoint, kind))
    plain = toys.build(toys.detector(kind))
    load = plain.load_state_dict(model.state_dict(), strict=False)
    assert not load.missing_keys
    data = toys.batch(masks=kind == 'mrcnn')

    losses = toys.losses(model.train(), copy.deepcopy(data))
    expected = toys.losses(plain.train(), data)

    distill = losses.pop('loss_distill')
    for level in range(5):
        assert not losses.pop(f'distill_level_{level}').requires_grad
    assert list(losses) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=0, atol=0)
    distill.backward()
    assert model.backbone.conv1.weight.grad.abs().sum() > 0
    finest = model.distillation[0].connector.levels[0]
    assert finest.attention.weight.grad.abs().sum() > 0


def test_one_forward_pass_of_the_student(model):
    calls = []
    model.neck.register_forward_hook(lambda *_: calls.append(1))
    toys.losses(model, toys.batch())
    assert len(calls) == 1


def test_loss_compares_connector_and_teacher(model):
    """The distillation loss, put together again from its public parts."""
    data = model.data_preprocessor(toys.batch(), training=True)
    losses = model(**data, mode='loss')
    teacher = toys.build(toys.detector())
    load_checkpoint(teacher, model.teacher.checkpoint)
    with torch.no_grad():
        targets = teacher.eval().extract_feat(data['inputs'])
    expected = model.distillation[0].loss(
        model.distillation[0].connector(model.extract_feat(data['inputs'])), targets
    )
    # Both passes are in training mode, so batch statistics agree.
    torch.testing.assert_close(losses['loss_distill'], expected)


def test_weights_are_the_students_and_the_connectors(model):
    plain = set(toys.build(toys.detector()).state_dict())
    names = set(model.state_dict())
    assert plain < names
    assert all(name.startswith('distillation.') for name in names - plain)


def test_teacher_is_no_part_of_the_model(model):
    teacher = {id(p) for p in model.teacher.parameters()}
    assert teacher
    assert not teacher & {id(p) for p in model.parameters()}
    assert not any('teacher' in name for name, _ in model.named_modules())
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    groups = optim.optimizer.param_groups
    assert not teacher & {id(p) for group in groups for p in group['params']}
    own = {id(p) for p in model.distillation.parameters()}
    assert own <= {id(p) for group in groups for p in group['params']}


def test_copies_share_the_teacher(model):
    assert copy.deepcopy(model).teacher is model.teacher


def test_training_moves_student_and_connector_but_not_the_teacher(model):
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.01)))
    before = copy.deepcopy(model.state_dict())
    frozen = {k: v.clone() for k, v in model.teacher.state_dict().items()}
    model.teacher.train()
    model.train()
    model.train_step(toys.batch(), optim)
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert 'backbone.conv1.weight' in moved
    assert 'distillation.0.connector.levels.0.output.conv.weight' in moved
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, frozen[name]), name


def test_plain_checkpoint_is_accepted_and_keeps_the_connector(model, tmp_path):
    plain = toys.build(toys.detector())
    plain.init_weights()
    save_checkpoint(dict(state_dict=plain.state_dict()), str(tmp_path / 'plain.pth'))
    connector = copy.deepcopy(model.distillation.state_dict())

    load_checkpoint(model, str(tmp_path / 'plain.pth'), strict=True)

    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    for name, value in connector.items():
        assert torch.equal(model.distillation.state_dict()[name], value)


def test_distilled_checkpoint_restores_the_connector(model, teacher_checkpoint):
    other = toys.build(toys.distilled(teacher_checkpoint))
    other.load_state_dict(model.state_dict())
    for name, value in model.distillation.state_dict().items():
        assert torch.equal(other.distillation.state_dict()[name], value)


def test_half_a_connector_is_reported(model):
    state = model.state_dict()
    del state['distillation.0.connector.levels.0.output.conv.weight']
    with pytest.raises(
        RuntimeError, match='distillation.0.connector.levels.0.output.conv.weight'
    ):
        model.load_state_dict(state)


@pytest.mark.parametrize('kind', ['frcnn', 'mrcnn'])
def test_prediction_is_the_plain_students_and_needs_no_teacher(kind):
    config = toys.distilled('/nowhere/teacher.pth', kind, teacher='/nowhere/config.py')
    model = toys.build(config).eval()
    plain = toys.build(toys.detector(kind)).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    data = toys.batch()
    with torch.no_grad():
        result = model.test_step(copy.deepcopy(data))
        expected = plain.test_step(copy.deepcopy(data))
        raw = model(**model.data_preprocessor(copy.deepcopy(data)), mode='tensor')
        raw_expected = plain(**plain.data_preprocessor(data), mode='tensor')
    assert not model.teacher.loaded
    assert sum(len(sample.pred_instances) for sample in expected) > 0
    for ours, theirs in zip(result, expected, strict=True):
        for name in theirs.pred_instances.keys():
            assert torch.equal(ours.pred_instances[name], theirs.pred_instances[name])
    torch.testing.assert_close(raw, raw_expected, rtol=0, atol=0)


def test_same_seed_gives_the_plain_students_initial_weights(teacher_checkpoint):
    """Neither teacher nor connector uses up the student's random numbers."""
    torch.manual_seed(3)
    plain = toys.build(toys.detector())
    plain.init_weights()
    after_plain = torch.rand(1)
    torch.manual_seed(3)
    model = toys.build(toys.distilled(teacher_checkpoint))
    model.init_weights()
    assert torch.equal(after_plain, torch.rand(1))
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_initialisation_keeps_the_order_of_weights(model, teacher_checkpoint):
    """EMA pairs weights by their order."""
    fresh = toys.build(toys.distilled(teacher_checkpoint))
    assert list(fresh.state_dict()) == list(model.state_dict())


class _WithTeacher(FasterRCNN):
    """A detector with a teacher of its own, as SoftTeacher is."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.teacher = torch.nn.Linear(1, 1)
        self.teacher.requires_grad_(False)


def test_a_students_own_teacher_stays_its_own(teacher_checkpoint):
    student = toys.detector(type=_WithTeacher)
    model = toys.build(toys.distilled(teacher_checkpoint, student=student))
    assert isinstance(model.teacher, torch.nn.Linear)
    assert 'teacher.weight' in model.state_dict()
    model.init_weights()
    assert toys.losses(model, toys.batch())['loss_distill'] > 0


def test_missing_teacher_checkpoint_ends_training_before_its_first_step():
    model = toys.build(toys.distilled(None))
    with pytest.raises(ValueError, match='model.teacher_checkpoint'):
        model.init_weights()
    with pytest.raises(ValueError, match='model.teacher_checkpoint'):
        toys.losses(model, toys.batch())


def test_other_teacher_channels_are_named(tmp_path):
    wide = toys.detector()
    wide.neck.out_channels = 12
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'narrow.pth')
    config = toys.distilled(checkpoint, teacher=wide)
    with pytest.raises(ValueError, match='does not fit its config'):
        toys.build(config).init_weights()


def test_teacher_with_a_wider_neck(tmp_path):
    wide = toys.detector(rpn_head=None, roi_head=None)
    wide.neck.out_channels = 12
    checkpoint = toys.save_teacher(wide, tmp_path / 'wide.pth')
    model = toys.build(toys.distilled(checkpoint, teacher=wide))
    assert model.distillation[0].in_channels == [8] * 5
    assert model.distillation[0].out_channels == [12] * 5
    assert torch.isfinite(toys.losses(model, toys.batch())['loss_distill'])


def test_levels_are_those_that_are_named(teacher_checkpoint):
    """The loss is that of these levels alone."""
    model = toys.build(toys.distilled(teacher_checkpoint, levels=[8, 32]))
    data = model.data_preprocessor(toys.batch(), training=True)
    loss = model(**data, mode='loss')['loss_distill']
    feats = model.extract_feat(data['inputs'])
    assert model.distillation[0].in_channels == [8, 8]
    assert model.distillation[0].out_channels == [8, 8]
    targets = model.teacher(
        data['inputs'], data['data_samples'], model.data_preprocessor
    )
    outs = model.distillation[0].connector([feats[1], feats[3]])
    expected = model.distillation[0].loss(outs, [targets[1], targets[3]])
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize('key, who', [('in', 'student'), ('out', 'teacher')])
def test_wrong_channels_given_by_hand(teacher_checkpoint, key, who):
    config = toys.distilled(teacher_checkpoint)
    config['distillation'][f'{key}_channels'] = [3] * 5
    message = rf'{key}_channels is \[3, 3, .* {who} have .* \[8, 8, .* leave'
    with pytest.raises(ValueError, match=message):
        toys.build(config)


def test_typo_in_the_students_config(teacher_checkpoint):
    student = toys.detector()
    student.backbone.detph = 18
    with pytest.raises(TypeError, match="ResNet.* argument 'detph'"):
        toys.build(toys.distilled(teacher_checkpoint, student=student))
    with pytest.raises(FileNotFoundError, match='faster-rcnn_r18_fpm'):
        toys.build(
            toys.distilled(
                teacher_checkpoint,
                student='mmdet::faster_rcnn/faster-rcnn_r18_fpm_1x_coco.py',
            )
        )


def test_level_that_does_not_exist(teacher_checkpoint):
    config = toys.distilled(teacher_checkpoint, levels=[(0, 0), (4, 5)])
    with pytest.raises(ValueError, match=r"teacher's levels \[0, 5\].* it has 5"):
        toys.build(config)


def test_testing_needs_no_config_of_the_teacher(model, tmp_path):
    """Nor says a checkpoint's connector anything there."""
    config = toys.distilled('random', teacher=str(tmp_path / 'gone.py'))
    alone = toys.build(config)
    load = alone.load_state_dict(model.state_dict())
    assert not load.missing_keys and not load.unexpected_keys
    for detector in (alone, model):
        detector.eval()
    data = model.data_preprocessor(toys.batch())
    with torch.no_grad():
        results = [
            detector(**copy.deepcopy(data), mode='predict')[0].pred_instances
            for detector in (alone, model)
        ]
    torch.testing.assert_close(results[0].bboxes, results[1].bboxes)
    with pytest.raises(FileNotFoundError):
        alone.init_weights()


def test_bfloat16_autocast(model):
    with torch.autocast('cpu', torch.bfloat16):
        losses = toys.losses(model, toys.batch())
    assert losses['loss_distill'].dtype == torch.float32
    total(losses).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.distillation.parameters())


def test_copies_and_pickles_of_weights_hold_no_teacher(model):
    state = pickle.loads(pickle.dumps(model.state_dict()))
    assert state.keys() == model.state_dict().keys()


@pytest.mark.parametrize('off', ['strength', 'weight'])
def test_switched_off_it_is_the_plain_student_bit_for_bit(teacher_checkpoint, off):
    model = toys.build(toys.distilled(teacher_checkpoint))
    plain = toys.build(toys.detector())
    for detector in (model, plain):
        torch.manual_seed(3)
        detector.init_weights()
        detector.train()
    if off == 'strength':
        model.distill_strength = 0.0
    else:
        model.distillation[0].loss_weight = 0.0
    model.teacher.forward = None  # Calling it would fail.
    config = dict(optimizer=dict(type='AdamW', lr=0.01), clip_grad=dict(max_norm=0.5))
    for step in range(3):
        logs = []
        for detector in (model, plain):
            if step == 0:
                detector.optim = build_optim_wrapper(detector, config)
            torch.manual_seed(step)
            log = detector.train_step(toys.batch(seed=step), detector.optim)
            logs.append({k: v.item() for k, v in log.items()})
        assert logs[0].pop('loss_distill') == 0
        assert logs[0] == logs[1]
    state = model.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(state[name], value), name


@pytest.mark.parametrize(
    ('returned', 'error', 'message'),
    [
        (
            torch.ones(()),
            TypeError,
            r'returned a Tensor; return .* dict',
        ),
        # Logged, it would count in the total that nothing is trained on.
        (dict(box_loss=torch.ones(())), ValueError, "returned 'box_loss'; begin"),
    ],
)
def test_what_a_distillation_returns_has_clear_names(model, returned, error, message):
    model.distillation[0].forward = lambda batch: returned
    with pytest.raises(error, match=message):
        toys.losses(model, toys.batch())


def test_strength_is_a_factor(model):
    data = toys.batch()
    full = toys.losses(model, copy.deepcopy(data))['loss_distill']
    model.distill_strength = 0.25
    quarter = toys.losses(model, data)['loss_distill']
    torch.testing.assert_close(quarter, 0.25 * full)


def test_frozen_parts_are_not_trained(teacher_checkpoint):
    frozen = ('rpn_head', 'backbone.conv1')
    model = toys.build(toys.distilled(teacher_checkpoint, frozen=frozen))
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad != name.startswith(('rpn_head.', frozen[1])), (
            name
        )
    with pytest.raises(ValueError, match="no parameter in 'backbone.conv'"):
        toys.build(toys.distilled(None, frozen=['backbone.conv']))


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('inherit', 3),
        ('frozen', [1]),
        ('student_features', True),
        ('teacher_features', [None]),
        ('distillation', 2),
        ('distillation', ['review']),
        ('distillation', dict(type='FeatureDistillation', connector='a', loss=None)),
    ],
)
def test_values_of_another_kind_are_told_with_the_field(field, value):
    with pytest.raises(ValueError, match=f'{field}.* has to be .*; got'):
        toys.build(toys.distilled('random', **{field: value}))


def test_one_name_needs_no_list():
    model = toys.build(toys.distilled('random', frozen='backbone', inherit=None))
    assert not any(p.requires_grad for p in model.backbone.parameters())
    assert model.start == Start()
