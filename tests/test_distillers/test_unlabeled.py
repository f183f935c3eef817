"""Batches in which images without annotations stand beside labelled ones."""

import copy

import pytest
import torch
import toys
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import nn

from mmreviewkd.distillers import DistillationMixin
from mmreviewkd.distillers.unlabeled import split

SIZES = ((64, 64),) * 4


@pytest.fixture
def checkpoint(tmp_path):
    return toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')


@pytest.fixture
def model(checkpoint):
    return build(checkpoint)


def build(checkpoint, **changes):
    torch.manual_seed(0)
    model = toys.build(toys.distilled(checkpoint, **changes))
    model.init_weights()
    return model.train()


def mixed(unlabeled=(1, 3), sizes=SIZES):
    """A batch of the toys, of which some images have no annotations."""
    data = toys.batch(sizes=sizes)
    for number in unlabeled:
        sample = data['data_samples'][number]
        sample.set_metainfo(dict(unlabeled=True))
        sample.gt_instances = InstanceData()
    return data


def part(data, numbers):
    return {key: [value[n] for n in numbers] for key, value in data.items()}


def losses(model, data):
    return toys.losses(model, copy.deepcopy(data))


def test_own_losses_are_those_of_the_labelled_images(model):
    data = mixed()
    got = losses(model, data)
    expected = losses(model, part(data, [0, 2]))
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        if not name.startswith(('loss_distill', 'distill')):
            torch.testing.assert_close(got[name], value, rtol=0, atol=0)
    assert got['loss_distill'] != expected['loss_distill']


def test_distillation_is_that_of_each_image_alone(model):
    """With statistics fixed, the mean over images that are compared one by one."""
    model.eval()
    data = mixed()
    alone = [
        # Annotated, else there were no labelled image.
        losses(model, part(toys.batch(sizes=SIZES), [number]))['loss_distill']
        for number in range(len(SIZES))
    ]
    got = losses(model, data)['loss_distill']
    torch.testing.assert_close(got, torch.stack(alone).mean())


def test_labelled_batches_are_as_ever(model):
    """No second pass, no second recorder."""
    calls = []
    model.neck.register_forward_hook(lambda *_: calls.append(1))
    losses(model, toys.batch())
    assert len(calls) == 1
    assert model._unlabeled_recorder is None
    losses(model, mixed())
    assert len(calls) == 3


def test_gradients_of_unlabelled_images_reach_student_and_connector(model):
    data = mixed()

    def gradients(data):
        model.zero_grad()
        losses(model.eval(), data)['loss_distill'].backward()
        connector = model.distillation[0].connector
        return [
            module.weight.grad.clone()
            for module in (model.backbone.conv1, connector.levels[0].attention)
        ]

    whole, labeled, others = map(
        gradients,
        (data, part(data, [0, 2]), part(toys.batch(sizes=SIZES), [1, 3])),
    )
    for one, first, second in zip(whole, labeled, others, strict=True):
        assert second.abs().sum() > 0
        torch.testing.assert_close(one, (first + second) / 2, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('how', ['strength', 'weight'])
def test_without_distillation_they_are_dropped(checkpoint, how):
    model = build(checkpoint)
    if how == 'strength':
        model.distill_strength = 0.0
    else:
        model.distillation[0].loss_weight = 0.0
    calls = []
    model.neck.register_forward_hook(lambda *_: calls.append(1))
    data = mixed()
    got = losses(model, data)
    assert len(calls) == 1
    for name, value in losses(model, part(data, [0, 2])).items():
        assert got[name] == value


def test_methods_that_need_annotations_see_labelled_images_only(checkpoint):
    review = toys.distilled(None)['distillation']
    model = build(checkpoint, distillation=[review, dict(type='FGD')])
    seen = {}
    for one in model.distillation:
        one.register_forward_pre_hook(
            lambda module, args: seen.__setitem__(type(module).__name__, args[0])
        )
    losses(model, mixed())
    assert len(seen['FeatureDistillation'].feats[0]) == 4
    assert len(seen['FeatureDistillation'].data_samples) == 4
    assert len(seen['FGD'].feats[0]) == len(seen['FGD'].boxes) == 2


def test_unused_images_are_told_once(checkpoint, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.distillers.distilled_model.print_log',
        lambda text, **_: said.append(text),
    )
    model = build(checkpoint, distillation=dict(type='FGD'))
    for _ in range(2):
        losses(model, mixed())
    (text,) = said
    assert text.startswith('unlabelled images are loaded but not used')


def test_several_teachers(checkpoint):
    """Each compares its own maps of all images."""
    fields = toys.distilled(checkpoint)
    of_teacher = {
        key: fields.pop(key)
        for key in ('teacher', 'teacher_checkpoint', 'teacher_dtype', 'distillation')
    }
    other = dict(of_teacher, distillation=dict(type='FGD'))
    model = toys.build(dict(fields, teachers=[of_teacher, other, of_teacher]))
    model.init_weights()
    shapes = []
    for one in model.distillation:
        one.register_forward_pre_hook(
            lambda module, args: shapes.append(len(args[0].targets[0]))
        )
    losses(model.train(), mixed())
    assert shapes == [4, 2, 4]


def test_a_batch_without_labels_is_refused(model):
    with pytest.raises(ValueError, match='none of the images of a batch is labelled'):
        losses(model, mixed(unlabeled=range(4)))


def test_features_of_heads_are_refused(checkpoint):
    head = ['roi_head.bbox_head.shared_fcs.1']
    review = dict(
        type='FeatureDistillation',
        connector=dict(type='AlignConnector'),
        loss=dict(type='L2DistillLoss'),
    )
    model = build(
        checkpoint,
        student_features=head,
        teacher_features=head,
        levels=[(0, 0)],
        distillation=review,
    )
    with pytest.raises(RuntimeError, match='not through its heads'):
        losses(model, mixed())


class Plain(BaseModel):
    """A model of nobody's package, which predicts a number for an image."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor or dict(type='ImgDataPreprocessor'))
        self.backbone = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        out = self.head(self.extract(inputs).mean((2, 3)))
        if mode != 'loss':
            return out
        targets = torch.stack([one.target for one in data_samples])
        return dict(loss=(out - targets).square().mean())

    def extract(self, inputs):
        return self.backbone(inputs)


class Extracting(Plain):
    """Which says itself how its features are computed."""

    def extract_feat(self, inputs):
        return self.backbone(inputs)


@pytest.mark.parametrize('kind', [Plain, Extracting])
def test_any_model_with_features(kind):
    from mmengine.registry import MODELS

    MODELS.register_module(name=kind.__name__, module=kind, force=True)
    try:
        # A random teacher is made with the seed 0.
        torch.manual_seed(1)
        model = toys.build(
            dict(
                type='DistilledModel',
                student=dict(type=kind.__name__),
                teacher=dict(
                    type=kind.__name__,
                    data_preprocessor=dict(type='ImgDataPreprocessor'),
                ),
                teacher_checkpoint='random',
                teacher_dtype='float32',
                distillation=dict(
                    type='FeatureDistillation',
                    connector=dict(type='AlignConnector'),
                    loss=dict(type='L2DistillLoss'),
                ),
            )
        )
        model.init_weights()
        assert isinstance(model, DistillationMixin)
        samples = [
            DetDataSample(metainfo=dict(img_shape=(8, 8), unlabeled=n == 1))
            for n in range(2)
        ]
        samples[0].target = torch.ones(1)
        images = torch.rand(2, 3, 8, 8)
        got = model(images, samples, mode='loss')
        feats, targets = model.backbone(images), model.teacher.model.backbone(images)
        connector = model.distillation[0].connector
        expected = model.distillation[0].loss(connector([feats]), [targets])
        torch.testing.assert_close(got['loss_distill'], expected)
        own = (model(images[:1]) - 1).square().mean()
        torch.testing.assert_close(got['loss'], own)
    finally:
        del MODELS.module_dict[kind.__name__]


def test_split_keeps_the_order():
    samples = [
        DetDataSample(metainfo=dict(n=n, unlabeled=n in (0, 2))) for n in range(4)
    ]
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2)
    labeled, unlabeled = split(images, samples)
    assert [one.n for one in labeled.data_samples] == [1, 3]
    assert [one.n for one in unlabeled.data_samples] == [0, 2]
    assert labeled.images[:, 0, 0, 0].tolist() == [1, 3]
    assert unlabeled.images[:, 0, 0, 0].tolist() == [0, 2]
    assert split(images, samples[1::2]) is None
    assert split(images, None) is None


def test_a_student_without_features_is_refused():
    from mmreviewkd.distillers.unlabeled import extract_features

    with pytest.raises(TypeError, match='Linear has neither a method extract_feat'):
        extract_features(nn.Linear(2, 2), torch.rand(1, 2))
