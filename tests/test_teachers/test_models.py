"""Teachers of timm, of torchvision, and of one's own."""

import copy

import pytest
import stock
import timm
import torch
import torchvision
import toys
from mmengine.registry import MODELS
from safetensors.torch import save_file
from torch import nn

from mmreviewkd.teachers import Teacher

STUDENTS = dict(
    faster_rcnn=lambda: stock.faster_rcnn(18),
    rtmdet=lambda: stock.rtmdet(),
)
RESNET = dict(type='TimmModel', model='test_resnet')
VIT = dict(type='TimmModel', model='test_vit')
TORCHVISION = dict(type='TorchvisionModel', model='resnet18', width_per_group=64)


class Own(nn.Module):
    """A module that no library has, with maps of the strides 8 and 16."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, 8, 1), nn.BatchNorm2d(4))
        self.second = nn.Conv2d(4, 6, 3, 2, 1)

    def forward(self, x):
        first = self.first(x)
        return dict(first=first, second=self.second(first))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, 'Own', Own)


def features(config, **kwargs):
    return [
        (one.channels, one.stride, one.layout)
        for one in Teacher(config, None, **kwargs).measure()
    ]


def test_stages_of_timm():
    info = timm.create_model('test_resnet', features_only=True).feature_info
    channels, strides = info.channels(), info.reduction()
    assert features(RESNET) == [
        (*one, 'NCHW') for one in zip(channels, strides, strict=True)
    ]
    last = dict(RESNET, out_indices=(3, 4))
    assert features(last) == features(RESNET)[3:]


def test_tokens_of_a_transformer_are_one_map():
    assert features(VIT) == [(64, 16, 'NCHW')]


def test_stages_of_torchvision():
    expected = [(64 * 2**n, 4 * 2**n, 'NCHW') for n in range(4)]
    assert features(TORCHVISION) == expected
    names = [f.name for f in Teacher(TORCHVISION, None).measure()]
    assert names == [f'backbone.layer{n}' for n in (1, 2, 3, 4)]


def test_own_module():
    expected = [(4, 8, 'NCHW'), (6, 16, 'NCHW')]
    assert features(dict(type='ImageModel', module=dict(type='Own'))) == expected
    assert features(dict(type='ImageModel', module=Own())) == expected
    only = dict(features='backbone.second')
    assert features(dict(type='ImageModel', module=Own()), **only) == expected[1:]


def test_own_module_is_left_as_it_is(tmp_path):
    """A config may be used again: teachers freeze and load copies."""
    module = Own()
    path = tmp_path / 'own.pth'
    torch.save(Own().state_dict(), path)
    before = copy.deepcopy(module.state_dict())
    Teacher(dict(type='ImageModel', module=module), str(path)).load()
    assert module.training and all(p.requires_grad for p in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_own_module_with_its_weights_needs_no_checkpoint():
    module = Own().eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = module(images)
    teacher = Teacher(dict(type='ImageModel', module=module), None, 'float32')
    maps = maps_of(teacher, images)
    torch.testing.assert_close(list(maps), list(expected.values()))


@pytest.mark.parametrize(
    'config',
    [
        dict(type='ImageModel', module=dict(type='Own')),
        dict(
            type='ImageModel',
            module=dict(type='mmdet.ResNet', depth=18, pretrained='/nowhere.pth'),
        ),
        RESNET,
        TORCHVISION,
    ],
    ids='own mmdet timm torchvision'.split(),
)
def test_model_without_weights_needs_a_checkpoint(config):
    """MMDetection's backbones read theirs later than teachers are built."""
    with pytest.raises(ValueError, match='needs a trained teacher'):
        Teacher(config, None).load()


def test_module_of_a_config_says_that_it_brings_its_weights(monkeypatch):
    monkeypatch.setattr(Own, 'brings_weights', True, raising=False)
    teacher = Teacher(dict(type='ImageModel', module=dict(type='Own')), None)
    teacher.load()
    assert teacher.loaded


@pytest.mark.parametrize('student', STUDENTS)
@pytest.mark.parametrize(
    'teacher',
    [
        dict(type='ImageModel', module=dict(type='Own')),
        dict(
            type='ImageModel',
            module=dict(type='Own'),
            mean=[0.1, 0.2, 0.3],
            std=[0.5, 0.25, 0.125],
            to_rgb=False,
        ),
        dict(
            type='ImageModel',
            module=dict(type='Own'),
            mean=[10, 20, 30],
            std=[1, 2, 4],
            value_range=255,
        ),
        VIT,
        TORCHVISION,
    ],
    ids='imagenet bgr range_255 timm torchvision'.split(),
)
def test_images_that_the_module_sees(student, teacher):
    """By hand: out of the raw BGR images, in the module's normalisation."""
    plain = toys.build(STUDENTS[student]())
    plain.data_preprocessor.batch_augments = None
    raw = toys.batch(sizes=((64, 64), (64, 64)))
    data = plain.data_preprocessor(copy.deepcopy(raw), training=True)
    built = Teacher(teacher, 'random', 'float32')
    built.load()
    seen = []
    built.backbone.register_forward_pre_hook(lambda _, args: seen.extend(args))
    built(data['inputs'], data['data_samples'], plain.data_preprocessor)

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    if teacher is VIT:
        mean = std = (0.5, 0.5, 0.5)
    mean, std = teacher.get('mean', mean), teacher.get('std', std)
    images = torch.stack(raw['inputs']).float() / (255 / teacher.get('value_range', 1))
    if teacher.get('to_rgb', True):
        images = images[:, [2, 1, 0]]
    mean, std = (torch.tensor(x).float()[:, None, None] for x in (mean, std))
    torch.testing.assert_close(seen[0], (images - mean) / std, rtol=1e-4, atol=1e-4)


def check_step_and_prediction(model):
    """Finite losses, gradients on both sides, and a prediction without a teacher."""
    torch.manual_seed(0)
    model.init_weights()
    model.train()
    data = toys.batch(sizes=((96, 80), (70, 96)))
    losses = toys.losses(model, copy.deepcopy(data))
    total, log = model.parse_losses(losses)
    assert all(torch.isfinite(value).all() for value in log.values())
    assert losses['loss_distill'] > 0
    losses['loss_distill'].backward()
    for part in (model.backbone, model.distillation):
        grads = [p.grad for p in part.parameters() if p.grad is not None]
        assert all(torch.isfinite(grad).all() for grad in grads)
        assert sum(grad.abs().sum() for grad in grads) > 0
    assert all(p.grad is None for p in model.teacher.parameters())
    model.eval()
    with torch.no_grad():
        assert len(model.test_step(data)) == 2


@pytest.mark.parametrize('student', STUDENTS)
@pytest.mark.parametrize(
    'teacher, changes',
    [
        (RESNET, dict()),
        (VIT, dict(resize='nearest')),
        (TORCHVISION, dict()),
        (dict(type='ImageModel', module=dict(type='Own')), dict()),
    ],
    ids='resnet vit torchvision own'.split(),
)
def test_a_step_and_a_prediction(student, teacher, changes):
    config = toys.distilled('random', student=STUDENTS[student](), teacher=teacher)
    model = toys.build(config | changes)
    model.data_preprocessor.batch_augments = None
    check_step_and_prediction(model)


def maps_of(teacher, images):
    """The maps of images that are normalised as the teacher wants them."""
    teacher.load()
    return teacher(images, None, teacher._preprocessor)


def full_model(name, seed=3):
    torch.manual_seed(seed)
    model = timm.create_model(name, num_classes=5).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


@pytest.mark.parametrize('kind', ['pth', 'safetensors'])
@pytest.mark.parametrize('name', ['test_resnet', 'test_vit', 'test_convnext'])
def test_weights_with_the_names_of_timms_full_model(tmp_path, name, kind):
    """Of a classifier trained with timm: no prefix, and a head in addition."""
    full = full_model(name)
    path = str(tmp_path / f'full.{kind}')
    if kind == 'pth':
        torch.save(dict(state_dict=full.state_dict()), path)
    else:
        save_file(full.state_dict(), path)
    images = torch.rand(1, 3, 160, 160)
    with torch.no_grad():
        expected = full.forward_intermediates(images, intermediates_only=True)[-1]
    teacher = Teacher(dict(type='TimmModel', model=name), path, 'float32')
    maps = maps_of(teacher, images)
    if name == 'test_vit':
        full.set_input_size((160, 160))
    torch.testing.assert_close(maps[-1], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('name', ['test_resnet', 'test_vit'])
def test_weights_of_timms_own_argument(tmp_path, name):
    full = full_model(name)
    path = str(tmp_path / 'full.safetensors')
    save_file(full.state_dict(), path)
    config = dict(type='TimmModel', model=name, pretrained=path)
    expected = Teacher(dict(type='TimmModel', model=name), path, 'float32')
    images = torch.rand(1, 3, 160, 160)
    teacher = Teacher(config, None, 'float32')
    torch.testing.assert_close(maps_of(teacher, images), maps_of(expected, images))


def test_transformer_takes_any_size():
    model = Teacher(dict(type='TimmModel', model='vit_tiny_patch16_224', depth=1), None)
    assert [(one.channels, one.stride) for one in model.measure()] == [(192, 16)]
    teacher = Teacher(VIT, 'random', 'float32')
    for height, width in ((64, 96), (70, 33), (160, 160)):
        (feat,) = maps_of(teacher, torch.rand(2, 3, height, width))
        assert feat.shape == (2, 64, -(-height // 16), -(-width // 16))


@pytest.mark.parametrize(
    'name, levels',
    [
        ('mobilevit_xxs', [(16, 2), (24, 4), (48, 8), (64, 16), (320, 32)]),
        ('efficientvit_b0', [(16, 4), (32, 8), (64, 16), (128, 32)]),
        ('davit_tiny', [(96, 4), (192, 8), (384, 16), (768, 32)]),
    ],
)
def test_pyramids_that_are_called_transformers(name, levels):
    """They do not take the arguments by which ViT takes images of any size."""
    config = dict(type='TimmModel', model=name)
    assert features(config) == [(*level, 'NCHW') for level in levels]


def test_swin_takes_any_size():
    config = dict(type='TimmModel', model='swin_tiny_patch4_window7_224')
    found = [(96 * 2**n, 4 * 2**n, 'NHWC') for n in range(4)]
    assert features(config) == found


def test_weights_of_torchvision(tmp_path):
    torch.manual_seed(3)
    full = torchvision.models.resnet18().eval()
    path = str(tmp_path / 'resnet18.pth')
    torch.save(full.state_dict(), path)
    images = torch.rand(1, 3, 64, 64)
    stem = nn.Sequential(full.conv1, full.bn1, full.relu, full.maxpool)
    with torch.no_grad():
        first = full.layer1(stem(images))
        last = full.layer4(full.layer3(full.layer2(first)))
    maps = maps_of(Teacher(TORCHVISION, path, 'float32'), images)
    assert len(maps) == 4
    torch.testing.assert_close(maps[0], first, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(maps[3], last, rtol=1e-4, atol=1e-5)


def test_nothing_is_folded_under_modules_that_are_named():
    """Folding must not give a convolution the output of its norm layer."""
    teacher = Teacher(
        dict(
            type='ImageModel',
            module=dict(type='Own'),
            features=['backbone.first.0'],
        ),
        'random',
        'float32',
    )
    teacher.load()
    norm = teacher.backbone.first[1]
    assert isinstance(norm, nn.BatchNorm2d)


def test_module_that_takes_one_size_only():
    """Its own error is told."""
    config = dict(RESNET, model='test_vit', dynamic_img_size=False)
    with pytest.raises(ValueError, match=r"teacher's features could not .* \(160\)"):
        Teacher(config, None).measure()


def test_unknown_model_of_timm():
    with pytest.raises(Exception, match='Unknown model.*nothing_of_timm'):
        Teacher(dict(type='TimmModel', model='nothing_of_timm'), None).measure()


def test_wrong_weights_of_timm_are_listed(tmp_path):
    path = str(tmp_path / 'other.pth')
    torch.save(full_model('test_resnet').state_dict(), path)
    with pytest.raises(ValueError, match='does not fit its config'):
        Teacher(VIT, path).load()
