"""Students and teachers that are rare, and still have to learn."""

import copy

import pytest
import stock
import torch
import toys
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmreviewkd.teachers import Teacher


def initialised(config):
    torch.manual_seed(3)
    model = toys.build(config)
    model.init_weights()
    return model.train()


def distil(student=None, teacher=None, checkpoint='random', **changes):
    config = toys.distilled(checkpoint, **changes)
    config['student'] = student or toys.detector()
    config['teacher'] = teacher or toys.detector()
    return initialised(config)


def assert_learns(model, data=None):
    losses = toys.losses(model, data or toys.batch())
    total, log = model.parse_losses(losses)
    assert all(torch.isfinite(value).all() for value in log.values())
    losses['loss_distill'].backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(grad).all() for grad in grads)
    assert sum(grad.abs().sum() for grad in grads) > 0
    return losses


def test_frozen_parts_keep_their_statistics():
    model = distil(frozen=('backbone.layer1', 'backbone.bn1'))
    frozen, free = model.backbone.layer1[0].bn1, model.backbone.layer2[0].bn1
    for mode in (True, False, True):
        model.train(mode)
        assert not any(m.training for m in model.backbone.layer1.modules())
        assert free.training is mode
    before = [one.running_mean.clone() for one in (frozen, free, model.backbone.bn1)]
    toys.losses(model, toys.batch())
    after = [one.running_mean for one in (frozen, free, model.backbone.bn1)]
    equal = [torch.equal(*both) for both in zip(before, after, strict=True)]
    assert equal == [True, False, True]


def test_frozen_parts_of_a_deep_copy():
    model = copy.deepcopy(distil(frozen=('backbone.layer1',))).train()
    assert not any(m.training for m in model.backbone.layer1.modules())


def test_an_error_of_init_weights_leaves_the_distillation_in_place(monkeypatch):
    model = toys.build(toys.distilled('random'))
    distillation = model.distillation
    order = list(model.state_dict())

    def fails(self):
        raise RuntimeError('no such file')

    with monkeypatch.context() as patch:
        patch.setattr(type(model.backbone), 'init_weights', fails)
        with pytest.raises(RuntimeError, match='no such file'):
            model.init_weights()
    assert model.distillation is distillation
    assert list(model.state_dict()) == order
    model.init_weights()
    assert_learns(model.train())


def test_students_weights_by_init_cfg_of_the_detector(tmp_path):
    path = toys.save_teacher(toys.detector(), tmp_path / 'whole.pth', seed=3)
    student = toys.detector(init_cfg=dict(type='Pretrained', checkpoint=path))
    plain = toys.build(toys.detector())
    model = distil(student)
    state = model.state_dict()
    for name, value in torch.load(path)['state_dict'].items():
        assert torch.equal(state[name], value), name
    assert len(state) > len(plain.state_dict())
    assert_learns(model)


def test_distillation_is_not_initialised_anew():
    """By the student's init_weights, which knows nothing of it."""
    model = toys.build(toys.distilled('random'))
    before = copy.deepcopy(model.distillation.state_dict())
    model.init_weights()
    for name, value in model.distillation.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize('registered', [False, True])
def test_init_cfg_of_the_whole_student_is_for_the_student_alone(tmp_path, registered):
    """As MMPretrain's classifiers have it; the random numbers stay the student's."""
    path = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    init_cfg = [dict(type='Normal', layer='Conv2d', std=0.02)]
    student = toys.detector(init_cfg=init_cfg)
    model, plain = (
        toys.build(config)
        for config in (
            toys.distilled(path, student=student, register_teachers=registered),
            student,
        )
    )
    names = list(model.state_dict())
    connector = copy.deepcopy(model.distillation.state_dict())
    after = []
    for one in (model, plain):
        torch.manual_seed(3)
        one.init_weights()
        after.append(torch.rand(1))
    assert torch.equal(*after)
    assert list(model.state_dict()) == names
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    for name, value in model.distillation.state_dict().items():
        assert torch.equal(value, connector[name]), name
    untouched = Teacher(model.teacher.config, path)
    untouched.load()
    for name, value in untouched.state_dict().items():
        assert torch.equal(model.teacher.state_dict()[name], value), name
    assert_learns(model.train())


@pytest.mark.parametrize('name', ['DistilledModel', 'mmdet.DistilledDetector'])
def test_built_by_a_registry_of_any_scope(name):
    config = toys.distilled('random', type=name)
    scopes = [MODELS] if '.' in name else [MODELS, MMDET_MODELS]
    for registry in scopes:
        assert type(registry.build(config)).__name__ == 'DistilledFasterRCNN'


def test_statistics_of_the_batch_alone():
    """Norm layers without running statistics, on either side."""
    norm = dict(type='BN', track_running_stats=False)
    config = toys.detector()
    config.backbone.norm_cfg = norm
    model = distil(config, copy.deepcopy(config))
    norms = [m for m in model.teacher.modules() if isinstance(m, _BatchNorm)]
    assert norms and all(one.running_mean is None for one in norms)
    assert_learns(model)
    model = distil(
        distillation=dict(
            type='FeatureDistillation',
            connector=dict(type='ReviewConnector', mid_channels=8, norm_cfg=norm),
            loss=dict(type='HCLLoss'),
        )
    )
    assert_learns(model)


def test_frozen_norm_layers_without_statistics():
    config = toys.detector()
    config.backbone.norm_cfg = dict(type='BN', track_running_stats=False)
    assert_learns(distil(config, frozen=('backbone.layer1',), non_finite='skip'))


@pytest.mark.parametrize('calls, often', [(0, 'not at all'), (2, '2 times')])
@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_a_module_that_is_not_called_once(monkeypatch, calls, often, who):
    model = distil()
    model.teacher.load()
    side = model if who == 'student' else model.teacher.model
    neck, backbone = side.neck, side.backbone

    def forward(self, images):
        feats = self.backbone(images)
        outs = [nn.Module.__call__(neck, feats) for _ in range(calls)]
        return outs[0] if outs else neck.forward(feats)

    if who == 'student':
        monkeypatch.setattr(type(model), 'extract_feat', forward)
    else:
        monkeypatch.setattr(
            'mmreviewkd.teachers.teacher.run_trunk', lambda m, x: forward(m, x)
        )
    assert backbone is side.backbone
    with pytest.raises(
        RuntimeError, match=rf"the {who}'s module 'neck' was called {often}"
    ):
        toys.losses(model, toys.batch())


def test_one_image_with_a_level_of_one_position():
    """Batch normalisation has one value for each channel there."""
    model = distil()
    data = toys.batch(sizes=((64, 64),))
    with torch.no_grad():
        images = model.data_preprocessor(copy.deepcopy(data))['inputs']
        assert model.extract_feat(images)[-1].shape[2:] == (1, 1)
    assert_learns(model, data)


def gray(channels):
    config = toys.detector()
    config.backbone.in_channels = channels
    normalisation = dict(mean=[120.0] * channels, std=[60.0] * channels)
    if channels not in (1, 3):
        normalisation = dict(mean=None, std=None)
    config.data_preprocessor.update(bgr_to_rgb=channels == 3, **normalisation)
    return config


@pytest.mark.parametrize('student, teacher', [(1, 1), (2, 2), (4, 4), (1, 3)])
def test_images_of_other_channels(student, teacher):
    """Gray images are three equal channels to a teacher of colour images."""
    data = toys.batch()
    data['inputs'] = [x[:1].repeat(student, 1, 1) for x in data['inputs']]
    assert_learns(distil(gray(student), gray(teacher)), data)


def test_teacher_of_gray_images_cannot_take_colour():
    model = distil(gray(3), gray(1))
    with pytest.raises(ValueError, match='takes images of 1 channel.* have 3'):
        toys.losses(model, toys.batch())


@pytest.fixture
def said(monkeypatch):
    texts = []
    monkeypatch.setattr(
        'mmreviewkd.teachers.teacher.print_log', lambda text, **_: texts.append(text)
    )
    return texts


def test_teacher_without_a_data_preprocessor_sees_what_the_student_sees(said):
    teacher = toys.detector()
    norm = teacher.pop('data_preprocessor')
    for student, changes in (
        (toys.detector(), {}),
        (copy.deepcopy(teacher), dict(data_preprocessor=norm)),
    ):
        model = distil(student, copy.deepcopy(teacher), **changes)
        seen = []
        model.teacher.backbone.register_forward_pre_hook(
            lambda _, args, seen=seen: seen.append(args[0])
        )
        data = model.data_preprocessor(toys.batch(), training=True)
        toys.losses(model, toys.batch())
        assert torch.equal(seen[0], data['inputs'])
    assert len(said) == 2 and 'its config has no data_preprocessor' in said[0]


def test_maps_of_hrnet_are_one_pixel_smaller(monkeypatch):
    texts = []
    monkeypatch.setattr(
        'mmreviewkd.features.pairs.print_log', lambda text, **_: texts.append(text)
    )
    model = distil(stock.faster_rcnn(18), stock.hrnet())
    data = toys.batch(sizes=((160, 192), (160, 192)))
    assert_learns(model, copy.deepcopy(data))
    toys.losses(model, data)
    assert len(texts) == 1
    assert 'cropped or extended by one' in texts[0]
    assert 'here (3, 3) and (2, 3)' in texts[0]


@pytest.mark.parametrize('weight', ['ConvWS', 'ConvAWS'])
def test_teacher_with_standardised_weights(weight):
    """Group norm as in gn+ws, batch norm and ConvAWS as in DetectoRS."""
    config = toys.detector()
    config.backbone.conv_cfg = dict(type=weight)
    if weight == 'ConvWS':
        config.backbone.norm_cfg = dict(type='GN', num_groups=2)
        config.neck.conv_cfg = dict(type='ConvWS')
        config.neck.norm_cfg = dict(type='GN', num_groups=2)
    model = distil(teacher=config)
    data = model.data_preprocessor(toys.batch(), training=True)
    detector = toys.build(config).eval()
    state = {n.removeprefix('model.'): v for n, v in model.teacher.state_dict().items()}
    found = model.teacher(data['inputs'], data['data_samples'], model.data_preprocessor)
    if weight == 'ConvWS':
        detector.load_state_dict(state, strict=False)
        with torch.no_grad():
            expected = detector.extract_feat(data['inputs'])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert_learns(model)


def test_standardised_weights_are_not_folded(tmp_path):
    """A factor that a norm layer puts on them would be standardised away."""
    config = toys.detector()
    config.backbone.conv_cfg = dict(type='ConvAWS')
    path = toys.save_teacher(config, tmp_path / 'aws.pth')
    model = distil(teacher=config, checkpoint=path)
    detector = toys.build(config).eval()
    detector.load_state_dict(torch.load(path)['state_dict'])
    data = model.data_preprocessor(toys.batch(), training=True)
    found = model.teacher(data['inputs'], data['data_samples'], model.data_preprocessor)
    with torch.no_grad():
        expected = detector.extract_feat(data['inputs'])
    torch.testing.assert_close(found, tuple(expected), rtol=1e-3, atol=1e-4)


class Student(BaseModel):
    """The smallest model with two levels."""

    def __init__(self):
        super().__init__(dict(type='ImgDataPreprocessor', mean=[127.5], std=[60.0]))
        self.backbone = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 3, 8, 1), nn.BatchNorm2d(4)),
            nn.Sequential(nn.ReLU(), nn.Conv2d(4, 5, 3, 2, 1)),
        )

    def forward(self, inputs, data_samples=None, mode='tensor'):
        feat = self.backbone(inputs)
        return dict(loss=feat.square().mean()) if mode == 'loss' else feat


def test_compiled_as_a_whole(monkeypatch):
    """The steps are the same, and so are their gradients."""
    monkeypatch.setitem(MODELS.module_dict, 'Student', Student)
    names = ['backbone.0', 'backbone.1']
    changes = dict(student_features=names, teacher_features=names)
    results = []
    for compiled in (False, True):
        torch.compiler.reset()
        model = distil(dict(type='Student'), dict(type='Student'), **changes)
        if compiled:
            model.forward = torch.compile(model.forward, backend='eager')
        for seed in range(2):
            model.zero_grad()
            torch.manual_seed(seed)
            losses = model(torch.rand(2, 3, 128, 64), mode='loss')
            model.parse_losses(losses)[0].backward()
        gradients = {name: p.grad for name, p in model.named_parameters()}
        results.append((losses, gradients))
    (expected, gradients), (found, others) = results
    assert expected['loss_distill'] > 0
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(others, gradients)


class Star(Student):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


def test_arguments_without_names_are_refused(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, 'Star', Star)
    with pytest.raises(ValueError, match=r'Star.forward takes \*args.*write it as'):
        distil(dict(type='Star'), dict(type='Star'))


@pytest.mark.parametrize('images', [None, [torch.zeros(3, 64, 64)], dict(img=0)])
def test_images_that_are_no_tensor_are_refused(monkeypatch, images):
    monkeypatch.setitem(MODELS.module_dict, 'Student', Student)
    model = distil(dict(type='Student'), dict(type='Student'))
    kind = type(images).__name__
    with pytest.raises(TypeError, match=f'DistilledStudent.forward is a {kind}; give'):
        model(images, mode='loss')


class Bare(nn.Module):
    """A module of no library, and no BaseModel."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 8, 1)
        self.second = nn.Conv2d(4, 6, 3, 2, 1)

    def forward(self, x):
        return self.second(self.first(x))


def test_teacher_that_is_a_bare_module(monkeypatch):
    """It sees the images as the student does, and is run as a whole."""
    monkeypatch.setitem(MODELS.module_dict, 'Bare', Bare)
    names = dict(student_features='neck', teacher_features=['first', 'second'])
    model = distil(teacher=dict(type='Bare'), **names)
    assert [one.stride for one in model.lessons[0].pairs.others] == [8, 16]
    assert_learns(model)
    with pytest.raises(ValueError, match="consists of 'first', 'second'"):
        distil(teacher=dict(type='Bare'))


def test_the_students_module_is_a_feature_by_itself():
    """Of any kind: a list of maps deep inside of it."""
    names = [f'neck.fpn_convs.{n}' for n in range(3)]
    model = distil(student_features=names, teacher_features=names)
    assert [one.stride for one in model.lessons[0].pairs.own] == [4, 8, 16]
    assert_learns(model)


def test_wrong_modules_are_named():
    with pytest.raises(ValueError, match="has no module 'nek'; it has 'neck'"):
        distil(student_features='nek')
    with pytest.raises(ValueError, match="the teacher .* has no module 'head'"):
        distil(teacher_features=['head'])
