"""All configs of classifiers build, learn, and have the published numbers."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from mmreviewkd.files import configs_folder
from mmreviewkd.model_config import build_model, resolve_model_config

CONFIGS = configs_folder() / 'classification'
CIFAR = CONFIGS / 'cifar100'
# Weight, channels of the review, and those of student and teacher.
NARROW, WIDE = [16, 32, 64, 64], [64, 128, 256, 256]
WRN2 = [32, 64, 128, 128]
PAIRS = {
    'cifar100/reviewkd_resnet56_resnet20': (0.6, 64, NARROW, NARROW),
    'cifar100/reviewkd_resnet110_resnet32': (1.0, 64, NARROW, NARROW),
    'cifar100/reviewkd_resnet32x4_resnet8x4': (5.0, 256, WIDE, WIDE),
    'cifar100/reviewkd_wrn40_2_wrn16_2': (5.0, 128, WRN2, WRN2),
    'cifar100/reviewkd_wrn40_2_wrn40_1': (5.0, 64, NARROW, WRN2),
    'cifar100/reviewkd_vgg13_vgg8': (
        *(5.0, 512, [128, 256, 512, 512, 512], [128, 256, 512, 512, 512]),
    ),
    'cifar100/reviewkd_resnet32x4_shufflenet_v1': (
        *(5.0, 512, [240, 480, 960, 960], WIDE),
    ),
    'cifar100/reviewkd_wrn40_2_shufflenet_v1': (
        *(5.0, 512, [240, 480, 960, 960], WRN2),
    ),
    'cifar100/reviewkd_resnet32x4_shufflenet_v2': (
        *(8.0, 512, [116, 232, 464, 1024], WIDE),
    ),
    'cifar100/reviewkd_resnet50_mobilenet_v2': (
        *(8.0, 512, [12, 16, 48, 160, 1280], [256, 512, 1024, 2048, 2048]),
    ),
    'imagenet/reviewkd_resnet34_resnet18': (
        *(1.0, 512, [64, 128, 256, 512, 512], [64, 128, 256, 512, 512]),
    ),
    'imagenet/reviewkd_resnet50_mobilenet_v1': (
        *(8.0, 256, [128, 256, 512, 1024, 1024], [256, 512, 1024, 2048, 2048]),
    ),
}


def load(name):
    """Read a config, or skip where a library of its models is missing."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    for model in (cfg.model.get('student'), cfg.model.get('teacher'), cfg.model):
        kind = resolve_model_config(model).backbone.type if model else ''
        for library in ('torchdistill', 'timm'):
            if kind.lower().startswith(library):
                pytest.importorskip(library, reason=f'{library} is not installed')
    return cfg


def test_all_pairs_are_listed():
    found = {str(p.relative_to(CONFIGS)) for p in CONFIGS.rglob('reviewkd_*.py')}
    assert found == {f'{name}.py' for name in PAIRS}


@pytest.mark.parametrize('name', PAIRS)
def test_pair_is_as_published_and_learns(name):
    """A real step on two images, with a random teacher."""
    weight, mid, own, theirs = PAIRS[name]
    cfg = load(name)
    torch.manual_seed(0)
    model = build_model(dict(cfg.model, teacher_checkpoint='random'), 'mmengine')
    model.init_weights()
    (distillation,) = model.distillation
    assert distillation.loss_weight == weight
    assert distillation.in_channels == own
    assert distillation.out_channels == theirs
    assert distillation.connector.levels[0].project.conv.out_channels == mid
    side, classes = (32, 100) if 'cifar100' in name else (64, 1000)
    data = dict(
        inputs=torch.randint(256, (2, 3, side, side), dtype=torch.uint8),
        data_samples=torch.tensor([3, classes - 1]),
    )
    batch = model.train().data_preprocessor(data, True)
    losses = model(**batch, mode='loss')
    # Random teachers of many layers have large maps.
    assert losses['loss_distill'].isfinite() and losses['loss_distill'] > 0
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None for p in model.parameters())
    with torch.no_grad():
        assert model.eval()(batch['inputs']).shape == (2, classes)


@pytest.mark.parametrize('name', [n for n in PAIRS if n.startswith('cifar100')])
def test_recipe_of_cifar(name):
    cfg = load(name)
    mobile = 'shufflenet' in name or 'mobilenet' in name
    assert cfg.train_dataloader.batch_size == 128
    assert cfg.train_cfg.max_epochs == 240
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD',
        lr=0.02 if mobile else 0.1,
        momentum=0.9,
        weight_decay=5e-4,
        nesterov=True,
    )
    (steps,) = cfg.param_scheduler
    assert (steps.milestones, steps.gamma) == ([150, 180, 210], 0.1)
    assert cfg.custom_hooks == [dict(type='DistillScheduleHook', warmup=20)]


@pytest.mark.parametrize('name', [n for n in PAIRS if n.startswith('imagenet')])
def test_recipe_of_imagenet(name):
    cfg = load(name)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 256
    assert cfg.train_cfg.max_epochs == 100
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4
    )
    (steps,) = cfg.param_scheduler
    assert (steps.milestones, steps.gamma) == ([30, 60, 90], 0.1)
    assert 'custom_hooks' not in cfg


def test_imagenets_teacher_takes_torchvisions_weights(tmp_path):
    from torchvision import models

    torch.manual_seed(0)
    network = models.resnet34().eval()
    checkpoint = str(tmp_path / 'resnet34.pth')
    torch.save(network.state_dict(), checkpoint)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = network(images)
    cfg = load('imagenet/reviewkd_resnet34_resnet18').model
    # The second builds the teacher's head too.
    for method in (cfg.distillation, dict(type='LogitDistillation')):
        fields = dict(cfg, teacher_checkpoint=checkpoint, distillation=method)
        model = build_model(fields, 'mmengine')
        model.init_weights()
        teacher = model.teacher.model
        with torch.no_grad():
            *_, vector = teacher.backbone(images)
            torch.testing.assert_close(
                network.fc(vector), expected, rtol=1e-3, atol=1e-3
            )
    torch.testing.assert_close(teacher.head.weight, network.fc.weight)


def test_students_are_plain_classifiers():
    for path in CIFAR.glob('[!r]*.py'):
        assert Config.fromfile(path).model.type == 'ImageClassifier'
    assert MODELS.get('ImageClassifier')
