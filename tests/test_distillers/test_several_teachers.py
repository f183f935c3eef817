"""Several teachers, and teachers that are modules of the model."""

import copy

import pytest
import torch
import toys
from mmengine.optim import build_optim_wrapper
from mmengine.runner import load_checkpoint, save_checkpoint

HCL = toys.distilled(None)['distillation']
L2 = dict(
    type='FeatureDistillation',
    connector=dict(type='ConvConnector'),
    loss=dict(type='L2DistillLoss'),
)


@pytest.fixture
def checkpoints(tmp_path):
    return [
        toys.save_teacher(toys.detector(), tmp_path / f'{seed}.pth', seed)
        for seed in (7, 8)
    ]


def several(checkpoints, first=None, second=None, **changes):
    """Config of a student with two teachers, three ways of learning in all."""
    shared = dict(teacher=toys.detector(), teacher_dtype='float32')
    teachers = [
        dict(
            shared,
            teacher_checkpoint=checkpoints[0],
            levels=[8, 16],
            distillation=HCL,
        )
        | (first or {}),
        dict(
            shared,
            teacher_checkpoint=checkpoints[1],
            levels=[32],
            distillation=[L2, dict(L2, loss_weight=0.5)],
        )
        | (second or {}),
    ]
    return dict(
        type='DistilledModel', student=toys.detector(), teachers=teachers, **changes
    )


def initialised(config):
    torch.manual_seed(3)
    model = toys.build(config)
    model.init_weights()
    return model.train()


@pytest.fixture
def model(checkpoints):
    return initialised(several(checkpoints))


def test_a_loss_for_each_way_of_learning(model):
    losses = toys.losses(model, toys.batch())
    names = [name for name in losses if name.startswith('loss_distill')]
    assert names == ['loss_distill_0', 'loss_distill_1', 'loss_distill_2']
    assert 'distill_0_level_1' in losses and 'distill_1_level_0' not in losses
    total, _ = model.parse_losses(losses)
    total.backward()
    for distillation in model.distillation:
        assert all(p.grad.abs().sum() > 0 for p in distillation.parameters())


def test_each_compares_its_own_levels_with_its_own_teacher(model, checkpoints):
    data = model.data_preprocessor(toys.batch(), training=True)
    losses = model(**data, mode='loss')
    feats = model.extract_feat(data['inputs'])
    for number, lesson, levels, weight in (
        (0, 0, [1, 2], 1.0),
        (1, 1, [3], 1.0),
        (2, 1, [3], 0.5),
    ):
        detector = toys.build(toys.detector())
        load_checkpoint(detector, checkpoints[lesson])
        with torch.no_grad():
            targets = detector.eval().extract_feat(data['inputs'])
        distillation = model.distillation[number]
        outs = distillation.connector([feats[level] for level in levels])
        loss = distillation.loss(outs, [targets[level] for level in levels])
        torch.testing.assert_close(losses[f'loss_distill_{number}'], weight * loss)


def test_a_single_teacher_of_the_list_is_the_teacher(checkpoints):
    config = several(checkpoints)
    del config['teachers'][1]
    one = initialised(config)
    other = initialised(toys.distilled(checkpoints[0], levels=[8, 16]))
    found, expected = (toys.losses(m, toys.batch()) for m in (one, other))
    assert list(found) == list(expected) and 'loss_distill' in found
    torch.testing.assert_close(found['loss_distill'], expected['loss_distill'])


def test_all_are_frozen(model):
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.01)))
    before = [copy.deepcopy(one.teacher.state_dict()) for one in model.lessons]
    weight = model.backbone.conv1.weight.clone()
    model.train_step(toys.batch(), optim)
    assert not torch.equal(model.backbone.conv1.weight, weight)
    assert not torch.equal(*(one['model.backbone.conv1.weight'] for one in before))
    for lesson, state in zip(model.lessons, before, strict=True):
        assert not any(m.training for m in lesson.teacher.modules())
        for name, value in lesson.teacher.state_dict().items():
            assert torch.equal(value, state[name]), name


def test_a_teacher_without_weight_does_not_run(model):
    for distillation in model.distillation[1:]:
        distillation.loss_weight = 0.0
    model.lessons[1].teacher.forward = None  # Calling it would fail.
    losses = toys.losses(model, toys.batch())
    assert losses['loss_distill_0'] > 0
    assert losses['loss_distill_1'] == losses['loss_distill_2'] == 0


@pytest.mark.parametrize('register', [False, True])
def test_a_checkpoint_saves_and_loads(checkpoints, tmp_path, register):
    config = several(checkpoints, register_teachers=register)
    model = initialised(config)
    path = str(tmp_path / 'student.pth')
    save_checkpoint(dict(state_dict=model.state_dict()), path)
    torch.manual_seed(99)
    other = toys.build(config)
    load_checkpoint(other, path, strict=True)
    plain = toys.build(toys.detector())
    assert not plain.load_state_dict(other.state_dict(), strict=False).missing_keys
    other.init_weights = None
    found, expected = (toys.losses(m.train(), toys.batch()) for m in (other, model))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


@pytest.mark.parametrize('field', ['teacher', 'distillation', 'levels', 'resize'])
def test_one_and_several_teachers_at_once(checkpoints, field):
    value = dict(toys.distilled('random', levels=[8], resize='pool'))[field]
    with pytest.raises(ValueError, match=f'move model.{field} into one of its dicts'):
        toys.build(several(checkpoints, **{field: value}))


def test_no_teacher_at_all(checkpoints):
    with pytest.raises(ValueError, match='model.teachers is empty'):
        toys.build(several(checkpoints) | dict(teachers=[]))
    with pytest.raises(ValueError, match='model.teacher is missing'):
        toys.build(dict(type='DistilledModel', student=toys.detector()))


def test_errors_name_the_teacher(checkpoints):
    with pytest.raises(ValueError, match=r'model.teachers\[1\].*distillation is miss'):
        toys.build(several(checkpoints, second=dict(distillation=None)))
    with pytest.raises(ValueError, match=r"model.teachers\[1\].*'checkpoint'"):
        toys.build(several(checkpoints, second=dict(checkpoint='a.pth')))


def test_the_second_config_is_missing_in_testing(checkpoints, model, tmp_path):
    gone = dict(teacher=str(tmp_path / 'gone.py'))
    alone = toys.build(several(checkpoints, second=gone))
    load = alone.load_state_dict(model.state_dict())
    assert not load.missing_keys and not load.unexpected_keys
    with torch.no_grad():
        alone.eval().test_step(toys.batch())
    with pytest.raises(FileNotFoundError, match='gone.py'):
        alone.init_weights()


class TestRegistered:
    @pytest.fixture
    def model(self, checkpoints):
        return initialised(several(checkpoints, register_teachers=True))

    def test_in_the_modules_but_in_no_checkpoint(self, model, checkpoints):
        teachers = [one.teacher for one in model.lessons]
        assert {*teachers} <= {*model.modules()}
        plain = initialised(several(checkpoints))
        assert list(model.state_dict()) == list(plain.state_dict())
        assert list(model.state_dict(prefix='a.')) == list(
            plain.state_dict(prefix='a.')
        )
        inside = torch.nn.Sequential(model).state_dict()
        assert list(inside) == list(torch.nn.Sequential(plain).state_dict())

    def test_no_trainable_parameter_and_never_in_training_mode(self, model):
        teachers = {id(p) for one in model.lessons for p in one.teacher.parameters()}
        trainable = {id(p) for p in model.parameters() if p.requires_grad}
        assert teachers and not teachers & trainable
        model.train()
        assert not any(
            m.training for one in model.lessons for m in one.teacher.modules()
        )

    def test_copies_share_them(self, model):
        other = copy.deepcopy(model)
        for one, two in zip(model.lessons, other.lessons, strict=True):
            assert one.teacher is two.teacher
        assert other.registered_teachers[0] is model.lessons[0].teacher
        assert other.backbone is not model.backbone

    def test_losses_are_the_same(self, model, checkpoints):
        plain = initialised(several(checkpoints))
        found, expected = (toys.losses(m, toys.batch()) for m in (model, plain))
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=0)

    def test_losses_that_are_not_finite_leave_them_alone(self, checkpoints):
        config = several(checkpoints, register_teachers=True, non_finite='skip')
        model = initialised(config)
        before = copy.deepcopy(model.lessons[0].teacher.state_dict())
        model.backbone.conv1.weight.data[0] = torch.nan
        losses = toys.losses(model, toys.batch())
        assert model.skipped_steps == 1
        model.parse_losses(losses)[0].backward()
        after = model.lessons[0].teacher.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())
