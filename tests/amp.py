"""MMEngine's mixed precision, which allows GPUs only, on a CPU too."""

from collections.abc import Callable
from contextlib import contextmanager

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper

_MODULE = 'mmengine.optim.optimizer.amp_optimizer_wrapper'


class CPUAmpOptimWrapper(AmpOptimWrapper):
    """MMEngine's wrapper, in the one part that takes no float16 on a CPU."""

    @contextmanager
    def optim_context(self, model):
        with (
            OptimWrapper.optim_context(self, model),
            torch.autocast('cpu', self.cast_dtype),
        ):
            yield


def wrapper(device: str, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Give a function that makes the wrapper for a model, as ``--amp`` does."""
    kind = AmpOptimWrapper
    if device == 'cpu':
        kind = CPUAmpOptimWrapper
        monkeypatch.setattr(f'{_MODULE}.is_cuda_available', lambda: True)
        scaler = torch.amp.GradScaler
        monkeypatch.setattr(f'{_MODULE}.GradScaler', lambda **k: scaler('cpu', **k))

    def make(model, dtype, scale='dynamic'):
        return kind(
            dtype=str(dtype).removeprefix('torch.'),
            loss_scale=scale if scale == 'dynamic' else dict(init_scale=scale),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9),
            clip_grad=dict(max_norm=10.0),
        )

    return make
