"""MMEngine's training options, with a distilled detector."""

import copy
import math

import numpy as np
import pytest
import torch
import toys
from amp import wrapper
from mmengine.hooks import EMAHook
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from mmreviewkd.distillers import NonFiniteError


@pytest.fixture
def teacher_checkpoint(tmp_path):
    return toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')


def train(folder, config, optim_wrapper=None, **cfg):
    runner = Runner(
        model=config,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=toys.Images(8),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.01), **(optim_wrapper or {})
        ),
        default_scope='mmdet',
        experiment_name=folder.name,
        randomness=dict(seed=0),
        **cfg,
    )
    runner.train()
    return runner


def losses_of(runner, name='loss_distill'):
    return runner.message_hub.get_scalar(f'train/{name}').data[0]


@pytest.fixture
def plain_run(tmp_path, teacher_checkpoint):
    return train(tmp_path / 'plain', toys.distilled(teacher_checkpoint))


def test_activation_checkpointing_changes_nothing(
    tmp_path, teacher_checkpoint, plain_run
):
    config = toys.distilled(teacher_checkpoint)
    config['student'].backbone.with_cp = True
    runner = train(tmp_path / 'with_cp', config)
    state = runner.model.state_dict()
    for name, value in plain_run.model.state_dict().items():
        # The recomputation moves the statistics of batch normalisation once more.
        if 'running' not in name and 'num_batches' not in name:
            torch.testing.assert_close(state[name], value)


def test_accumulation_steps_once_for_several_batches(teacher_checkpoint):
    """The step is that of the mean of the batches' gradients."""
    config = toys.distilled(teacher_checkpoint)
    # No norm layer that moves between the batches.
    config['distillation']['connector']['norm_cfg'] = dict(type='GN', num_groups=2)
    config['student'].backbone.norm_eval = True
    torch.manual_seed(0)
    model = toys.build(config)
    model.init_weights()
    model.train()
    start = copy.deepcopy(model.state_dict())

    gradients = []
    for seed in (0, 1):
        model.zero_grad()
        losses = toys.losses(model, toys.batch(seed=seed), seed=seed)
        model.parse_losses(losses)[0].backward()
        weight = model.distillation[0].connector.levels[0].output.conv.weight
        gradients.append(weight.grad.clone())
    expected = weight.detach() - 0.1 * (gradients[0] + gradients[1]) / 2
    model.zero_grad()

    optim = build_optim_wrapper(
        model, dict(optimizer=dict(type='SGD', lr=0.1), accumulative_counts=2)
    )
    optim.initialize_count_status(model, 0, 2)
    for seed in (0, 1):
        torch.manual_seed(seed)
        model.train_step(toys.batch(seed=seed), optim)
        if seed == 0:
            for name, value in model.named_parameters():
                assert torch.equal(value, start[name]), name
    torch.testing.assert_close(
        model.distillation[0].connector.levels[0].output.conv.weight, expected
    )


def test_ema_averages_the_student_and_not_the_teacher(tmp_path, teacher_checkpoint):
    runner = train(
        tmp_path / 'ema',
        toys.distilled(teacher_checkpoint),
        custom_hooks=[dict(type='EMAHook', momentum=0.5)],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
    )
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, EMAHook))
    averaged = hook.ema_model.module
    assert averaged.teacher is runner.model.teacher
    name = 'backbone.layer1.0.conv1.weight'
    assert not torch.equal(averaged.state_dict()[name], runner.model.state_dict()[name])
    saved = torch.load(tmp_path / 'ema/epoch_1.pth', weights_only=False)
    assert torch.equal(saved['state_dict'][name], averaged.state_dict()[name])
    assert not any('teacher' in name for name in saved['ema_state_dict'])


def test_synchronised_batch_normalisation_is_one_line(teacher_checkpoint):
    """Its kernels are for GPUs; here it is only built."""
    config = toys.distilled(teacher_checkpoint)
    config['distillation']['connector']['norm_cfg'] = dict(type='SyncBN')
    connector = toys.build(config).distillation[0].connector
    norms = [
        module
        for module in connector.modules()
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    ]
    assert len(norms) == 10
    assert all(isinstance(norm, torch.nn.SyncBatchNorm) for norm in norms)


@pytest.fixture
def amp(monkeypatch):
    """Makes MMEngine's mixed precision, which allows GPUs only, for the CPU."""
    return wrapper('cpu', monkeypatch)


def initialised(teacher_checkpoint, **changes):
    torch.manual_seed(0)
    model = toys.build(toys.distilled(teacher_checkpoint, **changes))
    model.init_weights()
    return model.train()


def step(model, optim, seed=0):
    torch.manual_seed(seed)
    np.random.seed(seed)
    return model.train_step(toys.batch(seed=seed), optim)


def test_overflow_of_gradients_is_left_to_the_scaler(teacher_checkpoint, amp):
    """The losses are finite: neither an error nor a step that is counted."""
    model = initialised(teacher_checkpoint)
    optim = amp(model, 'float16', scale=2.0**24)
    before = copy.deepcopy(dict(model.named_parameters()))
    assert torch.isfinite(step(model, optim)['loss'])
    assert optim.loss_scaler.get_scale() == 2.0**23
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name
    optim.loss_scaler.update(2.0**8)
    step(model, optim)
    assert optim.loss_scaler.get_scale() == 2.0**8
    for part in ('backbone.conv1', 'distillation'):
        assert any(
            not torch.equal(parameter, before[name])
            for name, parameter in model.named_parameters()
            if name.startswith(part)
        )
    assert model.skipped_steps == 0


@pytest.mark.parametrize('action', ['stop', 'skip'])
def test_losses_that_are_not_finite_do_not_lower_the_scale(
    teacher_checkpoint, amp, action
):
    model = initialised(teacher_checkpoint, non_finite=action)
    optim = amp(model, 'float16', scale=2.0**8)
    before = copy.deepcopy(dict(model.named_parameters()))
    model.teacher.model.neck.fpn_convs[1].conv.bias.data[0] = math.inf
    if action == 'stop':
        with pytest.raises(NonFiniteError, match="the teacher's neck.1. .stride 8"):
            step(model, optim)
    else:
        step(model, optim)
        assert model.skipped_steps == 1
    assert optim.loss_scaler.get_scale() == 2.0**8
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_mixed_precision_learns_as_float32(teacher_checkpoint, amp, dtype):
    curves = []
    for kind in ('float32', dtype):
        model = initialised(teacher_checkpoint)
        optim = amp(model, kind, scale=2.0**8)
        curves.append(
            [step(model, optim, i % 2)['loss_distill'].item() for i in range(20)]
        )
    torch.testing.assert_close(*(curve[0] for curve in curves), rtol=0.005, atol=0)
    # Rounding makes the runs part, but not stay behind.
    expected, got = (np.mean(curve[-4:]) for curve in curves)
    assert expected < 0.5 * curves[0][0]
    assert got == pytest.approx(expected, rel=0.15)


def test_compiled_parts_change_nothing(teacher_checkpoint):
    """In place, so that no weight gets another name."""
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    gradients, maps = [], []
    for compile in (False, True):
        model = initialised(teacher_checkpoint)
        if compile:
            for part in (model.backbone, model.teacher.backbone):
                part.compile(backend=backend)
        losses = toys.losses(model, toys.batch())
        maps.append(losses['loss_distill'])
        model.parse_losses(losses)[0].backward()
        gradients.append({n: p.grad for n, p in model.named_parameters()})
        names = list(model.state_dict())
    assert len(compiled) == 2
    torch.testing.assert_close(*maps)
    torch.testing.assert_close(*gradients)
    assert names == list(initialised(teacher_checkpoint).state_dict())
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())
