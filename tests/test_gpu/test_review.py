"""Connector and HCL against the golden numbers, and what a step waits for."""

from contextlib import contextmanager

import pytest
import torch
import toys
from golden_review import golden_connector, golden_maps
from torch.utils._python_dispatch import TorchDispatchMode

from mmreviewkd.estimate import count
from mmreviewkd.losses import HCLLoss

TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 5e-2}


@pytest.mark.parametrize('dtype', TOLERANCES)
@pytest.mark.parametrize('channels_last', [False, True])
def test_matches_the_reference_implementation(golden, device, dtype, channels_last):
    """Maps, loss and gradients; half precision by autocast, the loss in float32."""
    values = golden('review_train.npz')
    weights_dtype = torch.float32 if dtype == torch.bfloat16 else dtype
    values = {
        name: value.to(device, weights_dtype) if value.is_floating_point() else value
        for name, value in values.items()
    }
    feats, targets = golden_maps(values)
    connector, _ = golden_connector(values)
    if channels_last:
        connector.to(memory_format=torch.channels_last)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        with torch.autocast(device.type, dtype, enabled=dtype == torch.bfloat16):
            loss = HCLLoss()(connector.train()(feats), targets)
        loss.backward()
    tolerance = TOLERANCES[dtype]
    assert loss.dtype == weights_dtype
    assert loss.item() == pytest.approx(values['hcl_sum'].item(), rel=tolerance)
    for i, feat in enumerate(feats):
        expected = values[f'grad_student{i}']
        difference = torch.linalg.vector_norm(feat.grad - expected)
        assert difference <= tolerance * torch.linalg.vector_norm(expected)


def distilled(tmp_path, device, **changes):
    """A tiny student after a first step, in which the teacher settles."""
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    torch.manual_seed(0)
    model = toys.build(toys.distilled(checkpoint, **changes)).to(device)
    model.init_weights()
    toys.losses(model.train(), toys.batch())
    return model


class _Waits(TorchDispatchMode):
    """Refuses what makes the host wait for a GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        names = ('_local_scalar_dense', 'nonzero', 'is_nonzero', 'masked_select')
        assert func.overloadpacket.__name__ not in names, func
        return func(*args, **(kwargs or {}))


@contextmanager
def no_wait(device):
    if device.type != 'cuda':
        with _Waits():
            yield
        return
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('half', [None, torch.bfloat16])
def test_teacher_and_review_do_not_wait_for_the_device(tmp_path, device, half):
    model = distilled(tmp_path, device)
    (distillation,), (lesson,) = model.distillation, model.lessons
    data = model.data_preprocessor(toys.batch(), training=True)
    with model._recorder:
        model.extract_feat(data['inputs'])

    def step():
        with torch.autocast(device.type, half, enabled=half is not None):
            maps = lesson.teacher(
                data['inputs'], data['data_samples'], model.data_preprocessor
            )
            batch = lesson.batch(maps, model, model._recorder, *data.values())
            loss = distillation(batch)['loss']
        loss.backward(retain_graph=True)

    step()
    with no_wait(device):
        step()


def test_memory_of_teacher_and_connector(tmp_path, device):
    """The teacher keeps its maps only, the connector what the count says."""
    model = distilled(tmp_path, device)
    (lesson,) = model.lessons
    data = model.data_preprocessor(toys.batch(), training=True)

    def teach():
        return lesson.teacher(
            data['inputs'], data['data_samples'], model.data_preprocessor
        )

    assert count(teach, []).saved == 0
    maps = teach()
    assert not any(one.requires_grad or one.grad_fn for one in maps)
    feats = [torch.randn_like(one).requires_grad_() for one in maps]
    connector = model.distillation[0].connector
    counted = count(lambda: connector(feats), [*connector.parameters(), *feats]).saved
    assert 0 < counted
    if device.type != 'cuda':
        return
    del maps
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    maps = teach()
    # The allocator rounds to 512 bytes.
    most = sum(one.nbytes + 512 for one in maps)
    assert torch.cuda.memory_allocated() - before <= most
    before = torch.cuda.memory_allocated()
    outs = connector(feats)
    most = counted + sum(one.nbytes for one in outs) + 512 * 200
    assert torch.cuda.memory_allocated() - before <= most
