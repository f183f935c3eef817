"""Students and teachers of different kinds: MMDetection's own configs, narrow."""

import copy

import pytest
import stock
import torch
import torchvision
import toys
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn

REVIEW = toys.distilled(None)['distillation']
QUERIES = dict(
    student_features=['bbox_head.fc_cls'],
    teacher_features=['bbox_head.fc_cls'],
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='IdentityConnector'),
        loss=dict(type='KLDivLoss', tau=2.0),
    ),
)
PAIRS = {
    'dino-frcnn': lambda: (stock.faster_rcnn(), stock.dino(), {}),
    'rtmdet': lambda: (stock.rtmdet(), stock.rtmdet(16, 'l'), {}),
    'yolox': lambda: (stock.yolox(), stock.yolox(16, 'l'), {}),
    'mask2former-mrcnn': lambda: (stock.mask_rcnn(), stock.mask2former(), {}),
    'mask2former-decoder': lambda: (
        stock.mask_rcnn(18),
        stock.mask2former(),
        dict(teacher_features='panoptic_head.pixel_decoder'),
    ),
    'detr-queries': lambda: (stock.detr(), stock.detr(32), QUERIES),
    'hrnet-frcnn': lambda: (stock.faster_rcnn(18), stock.hrnet(), {}),
}
STRIDES = {
    'rtmdet': [8, 16, 32],
    'yolox': [8, 16, 32],
    'mask2former-mrcnn': [4, 8, 16, 32],
    'mask2former-decoder': [4, 8, 16, 32],
    'detr-queries': [None],
}


@pytest.fixture(autouse=True)
def iteration():
    """YOLOX asks in which iteration it is."""
    MessageHub.get_current_instance().update_info('iter', 0)


def initialised(config):
    torch.manual_seed(3)
    model = toys.build(copy.deepcopy(config))
    model.init_weights()
    return model.train()


def batch(name):
    return toys.batch(
        sizes=((96, 64), (64, 64)), masks='mrcnn' in name or 'mask2' in name
    )


def assert_losses_agree(model, plain, data):
    """Of one step, at a loss_weight of 0."""
    for distillation in model.distillation:
        distillation.loss_weight = 0.0
    losses = toys.losses(model, copy.deepcopy(data))
    expected = toys.losses(plain, copy.deepcopy(data))
    own = {n: value for n, value in losses.items() if 'distill' not in n}
    assert list(own) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(own[name], value, rtol=0, atol=0)
    assert all(value == 0 for name, value in losses.items() if 'distill' in name)


@pytest.mark.parametrize('name', PAIRS)
def test_pair(name):
    student, teacher, changes = PAIRS[name]()
    config = toys.distilled('random', student=student, teacher=teacher, **changes)
    model, plain = initialised(config), initialised(student)
    strides = [one.stride for one in model.lessons[0].pairs.own]
    assert strides == STRIDES.get(name, [4, 8, 16, 32, 64])

    data = batch(name)
    losses = toys.losses(model, copy.deepcopy(data))
    _, log = model.parse_losses(losses)
    assert all(torch.isfinite(value).all() for value in log.values())
    assert losses['loss_distill'] > 0
    losses['loss_distill'].backward()
    assert any(
        p.grad is not None and p.grad.abs().sum() > 0
        for p in model.backbone.parameters()
    )
    state = copy.deepcopy(plain.state_dict())
    model.load_state_dict(state)
    MessageHub.get_current_instance().update_info('iter', 0)
    assert_losses_agree(model, plain, data)

    plain.load_state_dict(state)
    model.load_state_dict(state)
    with torch.no_grad():
        found, expected = (
            one.eval().test_step(copy.deepcopy(data)) for one in (model, plain)
        )
    for ours, theirs in zip(found, expected, strict=True):
        for key in theirs.pred_instances.keys():
            torch.testing.assert_close(
                ours.pred_instances[key], theirs.pred_instances[key], rtol=0, atol=0
            )


def test_query_logits_by_hand():
    """What the pair compares is the divergence of the two heads' classes."""
    student, teacher, changes = PAIRS['detr-queries']()
    model = initialised(
        toys.distilled('random', student=student, teacher=teacher, **changes)
    )
    model.eval()  # without dropout, both passes are the same
    data = model.data_preprocessor(batch(''), training=True)
    loss = model(**data, mode='loss')['loss_distill']
    with torch.no_grad():
        ours = model(**data, mode='tensor')[0]
        theirs = model.teacher.model(**data, mode='tensor')[0]
    assert ours.shape == (2, 2, 10, 4)  # decoder layers, images, queries, classes
    p, q = ((one / 2).softmax(-1) for one in (theirs, ours))
    expected = 4 * (p * (p / q).log()).sum(-1).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-6)


class Classifier(BaseModel):
    """A classifier with torchvision's ResNet, as small as a BaseModel is."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.backbone = torchvision.models.resnet18(num_classes=3)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, inputs, labels=None, mode='tensor'):
        scores = self.backbone(inputs)
        if mode == 'loss':
            return dict(loss=self.loss(scores, labels))
        return scores


@pytest.fixture
def classifier(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, 'Classifier', Classifier)
    return dict(
        type='Classifier',
        data_preprocessor=dict(
            type='ImgDataPreprocessor',
            mean=[127.5] * 3,
            std=[127.5] * 3,
            bgr_to_rgb=False,
        ),
    )


def test_classifiers_of_torchvision_on_the_stages_of_their_backbones(classifier):
    stages = [f'backbone.layer{n}' for n in (2, 3, 4)]
    config = toys.distilled(
        'random',
        student=classifier,
        teacher=dict(type='TorchvisionModel', model='resnet50'),
        student_features=stages,
        teacher_features=stages,
    )
    model, plain = initialised(config), initialised(classifier)
    plain.load_state_dict(model.state_dict(), strict=False)
    assert model.distillation[0].in_channels == [128, 256, 512]
    assert model.distillation[0].out_channels == [512, 1024, 2048]
    images = [torch.randint(256, (3, 64, 64), dtype=torch.uint8) for _ in range(2)]
    labels = torch.tensor([0, 2])

    def losses(one):
        inputs = one.data_preprocessor(dict(inputs=list(images)), training=True)[
            'inputs'
        ]
        return one(inputs, labels, mode='loss')

    first = losses(model)
    assert set(first) >= {'loss', 'loss_distill', 'distill_level_0'}
    first['loss_distill'].backward()
    assert model.backbone.layer1[0].conv1.weight.grad.abs().sum() > 0
    assert model.backbone.fc.weight.grad is None

    model.load_state_dict(plain.state_dict())
    model.distillation[0].loss_weight = 0.0
    torch.testing.assert_close(losses(model)['loss'], losses(plain)['loss'])
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        scores = [one.eval()(images) for one in (model, plain)]
    torch.testing.assert_close(*scores, rtol=0, atol=0)


def test_distillation_of_different_numbers_of_queries():
    student, teacher, changes = PAIRS['detr-queries']()
    teacher.num_queries = 12
    model = initialised(
        toys.distilled('random', student=student, teacher=teacher, **changes)
    )
    with pytest.raises(ValueError, match=r'fc_cls.*sizes \(10, 1\) and \(12, 1\)'):
        toys.losses(model, batch(''))
