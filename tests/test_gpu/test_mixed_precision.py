"""Mixed precision as MMEngine has it, and the teacher's own precision."""

import amp
import numpy as np
import pytest
import torch
import toys

from mmreviewkd.teachers.precision import native_half

HALVES = [torch.float16, torch.bfloat16]


@pytest.fixture
def wrap(device, monkeypatch):
    """Make MMEngine's wrapper for a model, as ``--amp`` does."""
    return amp.wrapper(device.type, monkeypatch)


@pytest.fixture
def model(tmp_path, device):
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    torch.manual_seed(0)
    config = toys.distilled(checkpoint)
    del config['teacher_dtype']
    model = toys.build(config).to(device)
    model.init_weights()
    return model.train()


def step(model, optim, seed=0):
    torch.manual_seed(seed)
    np.random.seed(seed)
    return model.train_step(toys.batch(seed=seed), optim)


@pytest.mark.parametrize('dtype', HALVES)
def test_steps_learn(model, wrap, dtype):
    optim = wrap(model, dtype, 2.0**8)
    curve = [step(model, optim, i % 2)['loss_distill'].item() for i in range(12)]
    assert np.isfinite(curve).all()
    assert np.mean(curve[-2:]) < 0.8 * curve[0]
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_scaler_passes_over_an_overflow(model, wrap):
    """The losses are finite: the step is the scaler's to skip, and not counted."""
    optim = wrap(model, torch.float16, 2.0**24)
    before = {name: p.clone() for name, p in model.named_parameters()}
    assert torch.isfinite(step(model, optim)['loss'])
    assert optim.loss_scaler.get_scale() == 2.0**23
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name
    assert model.skipped_steps == 0


@pytest.mark.parametrize('dtype', [None, *HALVES])
def test_precision_of_the_teacher(model, device, dtype):
    """That of mixed precision; else what the device has natively, as float32 maps."""
    inside = []
    model.teacher.model.neck.register_forward_hook(lambda *a: inside.append(a[-1]))
    data = model.data_preprocessor(toys.batch(), training=True)
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        maps = model.teacher(
            data['inputs'], data['data_samples'], model.data_preprocessor
        )
    expected = dtype or native_half(device) or torch.float32
    assert {one.dtype for one in inside[-1]} == {expected}
    assert {one.dtype for one in maps} == {dtype or torch.float32}
