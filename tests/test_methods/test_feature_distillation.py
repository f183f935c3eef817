from types import SimpleNamespace

import pytest
import torch
import toys
from mmengine.config import Config

from mmreviewkd.methods import FeatureDistillation

ONE = dict(
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', mid_channels=8),
    loss=dict(type='HCLLoss'),
)


@pytest.fixture(scope='module')
def teacher_checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp('teacher') / 'teacher.pth'
    return toys.save_teacher(toys.detector(), path)


def losses(teacher_checkpoint, distillation):
    model = toys.build(toys.distilled(teacher_checkpoint, distillation=distillation))
    model.init_weights()
    for other in model.distillation[1:]:
        other.load_state_dict(model.distillation[0].state_dict())
    model.train()
    return toys.losses(model, toys.batch()), model


def test_weight_is_a_factor(teacher_checkpoint):
    torch.manual_seed(0)
    one, _ = losses(teacher_checkpoint, dict(ONE, loss_weight=1.0))
    torch.manual_seed(0)
    three, _ = losses(teacher_checkpoint, dict(ONE, loss_weight=3.0))
    assert one['loss_distill'] > 0
    torch.testing.assert_close(three['loss_distill'], 3 * one['loss_distill'])


def test_several_have_a_loss_each(teacher_checkpoint):
    several = [dict(ONE, loss_weight=weight) for weight in (1.0, 0.0, 0.5)]
    found, model = losses(teacher_checkpoint, several)
    assert 'loss_distill' not in found
    first, off, half = (found[f'loss_distill_{i}'] for i in range(3))
    torch.testing.assert_close(half, 0.5 * first)
    assert off == 0
    (first + off + half).backward()
    grads = [d.connector.levels[0].output.conv.weight.grad for d in model.distillation]
    assert grads[0].any() and grads[2].any()
    # One that is off is not waited for by data-parallel training.
    assert not grads[1].any()


def test_each_map_meets_the_level_that_it_is_for():
    """One student level against the teacher's three: 2 from 0, 1 and 5."""
    distillation = FeatureDistillation(
        [1] * 3,
        [1] * 3,
        dict(type='ConvConnector', pairs=[(1, 2), (1, 0), (1, 1)], norm_cfg=None),
        dict(type='L2DistillLoss', level_weights=(1.0, 10.0, 100.0)),
    )
    for transform in distillation.connector.transforms:
        transform.conv.weight.data.fill_(2.0)
        transform.conv.bias.data.zero_()
    sizes = (8, 4, 2)
    batch = SimpleNamespace(
        feats=[torch.ones(1, 1, size, size) for size in sizes],
        targets=[
            torch.full((1, 1, size, size), value)
            for size, value in zip(sizes, (0.0, 1.0, 5.0), strict=True)
        ],
    )
    losses = {name: value.item() for name, value in distillation(batch).items()}
    assert losses.pop('loss') == pytest.approx(9 + 10 * 4 + 100 * 1)
    assert losses == {'level_0': 9.0, 'level_1': 40.0, 'level_2': 100.0}


def test_standardised_targets():
    """Each channel of the teacher's maps has mean 0 and variance 1."""
    torch.manual_seed(0)
    target = 7 + 3 * torch.randn(2, 4, 5, 5, dtype=torch.double)
    mean = target.mean((0, 2, 3), keepdim=True)
    std = target.var((0, 2, 3), keepdim=True, correction=0).add(1e-5).sqrt()
    batch = SimpleNamespace(feats=[torch.zeros(2, 4, 5, 5)], targets=[target])
    arguments = [4], [4], dict(type='IdentityConnector'), dict(type='L2DistillLoss')
    for standardize, expected in ((False, target), (True, (target - mean) / std)):
        found = FeatureDistillation(*arguments, standardize_targets=standardize)(batch)
        assert list(found) == ['loss']
        assert found['loss'].item() == pytest.approx(expected.square().mean().item())


def test_the_wrapper_of_version_0_1_is_still_read():
    wrapper = dict(type='OnStandardizedTargets', loss=dict(type='HCLLoss'))
    arguments = [4], [4], dict(type='IdentityConnector')
    distillation = FeatureDistillation(*arguments, wrapper)
    assert distillation.standardize_targets
    assert type(distillation.loss).__name__ == 'HCLLoss'


def test_loss_of_each_level_is_logged_and_not_trained_on(teacher_checkpoint):
    several = [dict(ONE, loss_weight=weight) for weight in (0.5, 2.0, 0.0)]
    found, model = losses(teacher_checkpoint, several)
    loss, logged = model.parse_losses(found)
    trained_on = sum(
        sum(value) if isinstance(value, list) else value
        for name, value in found.items()
        if 'loss' in name
    )
    torch.testing.assert_close(loss, trained_on)
    by_level = {
        one: [logged.pop(f'distill_{one}_level_{n}') for n in range(5)]
        for one in (0, 1)
    }
    assert not any('level' in name for name in logged)
    for one, values in by_level.items():
        assert all(value > 0 and not value.requires_grad for value in values)
        total = found[f'loss_distill_{one}'].detach()
        torch.testing.assert_close(sum(values), total)


def test_heads_are_built_where_one_of_several_needs_them(teacher_checkpoint):
    both = [ONE, dict(type='LogitDistillation')]
    for several, heads in ((both, True), (both[::-1], True), (ONE, False)):
        config = toys.distilled(teacher_checkpoint, distillation=several)
        model = toys.build(config)
        model.teacher.load()
        assert hasattr(model.teacher.model, 'roi_head') == heads
        assert not any(name.startswith('teacher') for name in model.state_dict())


@pytest.mark.parametrize('dtype', [None, 'bfloat16', 'float32'])
def test_precision_of_the_connector_alone(dtype):
    distillation = FeatureDistillation(
        [4], [4], dict(type='ReviewConnector'), dict(type='HCLLoss'), dtype=dtype
    )
    seen = []
    distillation.connector.register_forward_hook(lambda *args: seen.extend(args[-1]))
    feat = torch.rand(2, 4, 8, 8)
    loss = distillation(SimpleNamespace(feats=[feat], targets=[feat]))['loss']
    assert seen[0].dtype == getattr(torch, dtype or 'float32')
    assert loss.dtype == torch.float32


def test_unknown_precision_of_the_connector():
    with pytest.raises(ValueError, match="distillation.dtype is 'half', but has to be"):
        FeatureDistillation(
            [4], [4], dict(type='ReviewConnector'), dict(type='HCLLoss'), dtype='half'
        )


@pytest.mark.parametrize(
    'model', ['test_vit', 'vit_small_patch14_dinov2', 'vit_small_patch16_dinov3']
)
def test_foundation_teacher(model):
    """The direction of tokens of a vision transformer with random weights."""
    pytest.importorskip('timm')
    small = {} if model == 'test_vit' else dict(depth=1, embed_dim=48, num_heads=2)
    config = Config.fromfile(toys.CONFIGS / 'methods/foundation.py')
    fields = toys.distilled(
        'random',
        teacher=dict(type='TimmModel', model=model, **small),
        levels=[(2, 0)],
        resize='nearest',
        distillation=config.method,
    )
    model = toys.build(fields)
    model.init_weights()
    model.train()
    loss = toys.losses(model, toys.batch())['loss_distill']
    assert 0 < loss < 2
    loss.backward()
    assert model.backbone.conv1.weight.grad.any()
    (transform,) = model.distillation[0].connector.transforms
    assert transform.conv.weight.grad.any()
