"""Every distillation config builds; the published ones have the published numbers."""

import copy
from functools import cache

import pytest
import stock
import torch
import toys
from mmengine.config import Config

from mmreviewkd.distillers.levels import match_levels
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)

# Those of classifiers: tests/test_classification/test_configs.py.
DISTILLED = [
    path
    for path in sorted(toys.CONFIGS.rglob('reviewkd_*.py'))
    if 'classification' not in path.parts
]
PAIRS = sorted(toys.CONFIGS.glob('pairs/*.py'))
METHODS = sorted(toys.CONFIGS.glob('methods/*.py'))


@pytest.mark.parametrize('path', DISTILLED, ids=lambda p: p.stem)
def test_trains_and_predicts(path, tmp_path):
    """A real step and a prediction, with a random teacher."""
    model = Config.fromfile(path).model
    student, teacher = (
        without_pretrained(resolve_model_config(model[key]))
        for key in ('student', 'teacher')
    )
    few_boxes(student)
    checkpoint = 'random'
    if model.get('inherit'):
        # From a teacher that is trained.
        checkpoint = toys.save_teacher(teacher, tmp_path / 'teacher.pth')
    model.update(student=student, teacher=teacher, teacher_checkpoint=checkpoint)
    model = toys.build(model)
    model.init_weights()
    assert model.teacher.loaded

    model.train()
    data = toys.batch(((64, 64),) * 2, masks=model.with_mask)
    losses = toys.losses(model, copy.deepcopy(data))
    assert losses['loss_distill'] > 0
    loss, _ = model.parse_losses(losses)
    assert torch.isfinite(loss)
    loss.backward()
    assert not without_gradient(model)

    with torch.no_grad():
        results = model.eval().test_step(data)
    assert [sample.img_shape for sample in results] == [(64, 64)] * 2
    for sample in results:
        assert torch.isfinite(sample.pred_instances.bboxes).all()
        assert ('masks' in sample.pred_instances) == model.with_mask


def few_boxes(config):
    """Have a detector look at few boxes in an image, which take most of the time."""
    if isinstance(config, dict):
        if 'max_per_img' in config:
            config['max_per_img'] = 8
        if config.get('type') == 'RandomSampler':
            config['num'] = 16
        few_boxes(list(config.values()))
    elif isinstance(config, list | tuple):
        for value in config:
            few_boxes(value)


def without_gradient(model):
    """Parameters that data-parallel training would have to look for."""
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]


FITTING = dict(
    GFL=lambda: toys.one_stage('gfl'), DETR=stock.detr, any=lambda: toys.detector()
)
"""A tiny detector, by the first name in ``detectors`` of a method."""


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Config of a tiny student under a tiny teacher, by a name of ``FITTING``."""
    folder = tmp_path_factory.mktemp('teacher')

    @cache
    def pair(name):
        # A config each: some heads change theirs.
        build = FITTING[name]
        checkpoint = toys.save_teacher(build(), folder / f'{name}.pth')
        return toys.distilled(checkpoint, student=build(), teacher=build())

    return pair


def test_start_alone_is_the_recommended_start():
    alone, recommended = (
        Config.fromfile(toys.CONFIGS / f'methods/{name}.py')
        for name in ('inherit', 'recommended')
    )
    assert alone.inherit == recommended.inherit
    assert alone.method == dict(recommended.method, loss_weight=0.0)


# inherit.py has no loss.
@pytest.mark.parametrize(
    'path', [p for p in METHODS if p.stem != 'inherit'], ids=lambda p: p.stem
)
def test_method_trains(path, tiny):
    """Two real steps with each way of learning."""
    config = Config.fromfile(path)
    method = config.method
    assert isinstance(method, list) or method.pop('_delete_')
    if 'TorchdistillLoss' in path.read_text():
        pytest.importorskip('torchdistill', reason='torchdistill is not installed')
    (fitting, *_) = config.get('detectors') or ['any']
    model = toys.build(dict(copy.deepcopy(tiny(fitting)), distillation=method))
    model.init_weights()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for _ in range(2):
        losses = toys.losses(model, toys.batch())
        distilled = [loss for name, loss in losses.items() if 'loss_distill' in name]
        assert distilled and all(torch.isfinite(x) and x >= 0 for x in distilled)
        assert sum(distilled) > 0
        taught = torch.autograd.grad(
            sum(distilled), model.backbone.conv1.weight, retain_graph=True
        )
        assert torch.isfinite(taught[0]).all() and taught[0].any()
        loss, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        loss.backward()
        assert not without_gradient(model)
        optimizer.step()


def test_freekd_has_a_convolution_for_every_map():
    """As in the authors' code, also where channels are as many."""
    method = Config.fromfile(toys.CONFIGS / 'methods/freekd.py').method
    method.pop('_delete_')
    method.update(in_channels=[8, 8], out_channels=[8, 8])
    parts = build_model(method).connector.modules()
    layers = [part for part in parts if not list(part.children())]
    assert [type(layer) for layer in layers] == [torch.nn.Conv2d] * 2
    for layer in layers:
        assert layer.kernel_size == (1, 1) and layer.bias is not None


@pytest.mark.parametrize(
    'config, method',
    [
        ('_base_/reviewkd.py', 'review'),
        ('reviewkd_frcnn_r101_r50.py', 'review'),
        ('small/reviewkd_frcnn.py', 'recommended'),
        ('small/reviewkd_mrcnn.py', 'recommended'),
    ],
)
def test_reviewkd_is_the_same_method_everywhere(config, method):
    file = Config.fromfile(toys.CONFIGS / f'methods/{method}.py')
    assert file.method.pop('_delete_')
    model = Config.fromfile(toys.CONFIGS / config).model
    assert model.distillation == file.method
    assert model.get('inherit') == file.get('inherit')


def test_config_takes_a_method(tmp_path):
    config = tmp_path / 'config.py'
    bases = [toys.CONFIGS / 'small/reviewkd_frcnn.py', toys.CONFIGS / 'methods/pkd.py']
    config.write_text(
        f'_base_ = {[str(base) for base in bases]}\n'
        'model = dict(distillation=_base_.method)\n'
    )
    taken = Config.fromfile(config).model.distillation
    # Nothing is left of what the base learnt by.
    assert taken == dict(
        type='FeatureDistillation',
        connector=dict(type='AlignConnector'),
        loss=dict(type='PKDLoss'),
        loss_weight=6.0,
    )


# Loss weight, learning rate and what of the student's backbone is trained, by pair.
RESNET = ('layer2', 'layer3', 'layer4')
MOBILENET = ('conv1', *(f'layer{i}' for i in range(1, 8)))
PUBLISHED = {
    'frcnn_r101_r18': ('FasterRCNN', 1.2, 0.01, RESNET),
    'frcnn_r101_r50': ('FasterRCNN', 1.0, 0.01, RESNET),
    'frcnn_r50_mv2': ('FasterRCNN', 2.0, 0.01, MOBILENET),
    'mrcnn_r101_r18': ('MaskRCNN', 1.5, 0.01, RESNET),
    'mrcnn_r101_r50': ('MaskRCNN', 0.8, 0.01, RESNET),
    'mrcnn_r50_mv2': ('MaskRCNN', 1.0, 0.01, MOBILENET),
    'retinanet_r101_r50': ('RetinaNet', 1.0, 0.005, RESNET),
}


def test_every_published_pair_has_a_config():
    assert {f'reviewkd_{name}' for name in PUBLISHED} == {
        path.stem for path in toys.CONFIGS.glob('reviewkd_*.py')
    }


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_recipe(name):
    kind, weight, lr, trained = PUBLISHED[name]
    cfg = Config.fromfile(toys.CONFIGS / f'reviewkd_{name}.py')
    with torch.device('meta'):
        model = toys.build(cfg.model)
    assert type(model).__name__ == f'Distilled{kind}'
    assert model.distillation[0].loss_weight == weight
    assert model.distillation[0].in_channels == [256] * 5
    assert cfg.optim_wrapper.optimizer.lr == lr
    assert cfg.auto_scale_lr.enable and cfg.auto_scale_lr.base_batch_size == 8
    sides = {scale[1] for scale in cfg.train_dataloader.dataset.pipeline[2].scales}
    assert (min(sides), max(sides)) == (640, 800)

    trainable = {n for n, p in model.backbone.named_parameters() if p.requires_grad}
    assert {n.split('.')[0] for n in trainable} == set(trained)
    norms = {
        n
        for n, module in model.backbone.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
    }
    assert not {n.rpartition('.')[0] for n in trainable} & norms
    assert not any(m.training for n, m in model.train().named_modules() if n in norms)

    masks = kind == 'MaskRCNN'
    assert cfg.val_evaluator.metric == (['bbox', 'segm'] if masks else 'bbox')
    for loader in ('train_dataloader', 'val_dataloader'):
        (load,) = (
            transform
            for transform in cfg[loader].dataset.pipeline
            if transform.type == 'LoadAnnotations'
        )
        assert load.get('with_mask', False) == masks


@pytest.mark.parametrize('name', PUBLISHED)
def test_teacher_is_the_zoos_checkpoint_of_its_config(name):
    cfg = Config.fromfile(toys.CONFIGS / f'reviewkd_{name}.py')
    folder = cfg.model.teacher_checkpoint.split('/')[-2]
    zoo = cfg.model.teacher.rpartition('/')[2].removesuffix('.py')
    assert folder == zoo.replace('-rcnn', '_rcnn')
    depth = name.split('_')[1].removeprefix('r')
    assert resolve_model_config(cfg.model.teacher).backbone.depth == int(depth)


@pytest.mark.parametrize('name', PUBLISHED)
def test_weights_of_the_student_are_its_backbones(name):
    cfg = Config.fromfile(toys.CONFIGS / f'reviewkd_{name}.py')
    backbone = resolve_model_config(cfg.model.student).backbone
    checkpoint = backbone.init_cfg.checkpoint
    if backbone.type == 'MobileNetV2':
        assert checkpoint == 'open-mmlab://mmdet/mobilenet_v2'
    else:
        assert checkpoint == f'torchvision://resnet{backbone.depth}'


@pytest.mark.parametrize('path', PAIRS, ids=lambda path: path.stem)
def test_a_pair_takes_at_most_ten_lines(path):
    lines = path.read_text().splitlines()
    assert len([line for line in lines if not line.startswith('#')]) <= 10


def test_common_levels_of_a_one_stage_student_under_a_two_stage_teacher():
    cfg = Config.fromfile(
        toys.CONFIGS / 'pairs' / 'reviewkd_retinanet_frcnn-r101_r50.py'
    )
    assert match_levels(
        resolve_model_config(cfg.model.student),
        resolve_model_config(cfg.model.teacher),
        cfg.model.levels,
    ) == [(0, 1), (1, 2), (2, 3), (3, 4)]
