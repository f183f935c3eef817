"""Mixed precision in bfloat16."""

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn


def test_trains_in_bfloat16_on_a_cpu():
    model = nn.Linear(3, 2)
    wrapper = build_optim_wrapper(
        model, dict(type='BFloat16OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    )
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        out = model(torch.randn(4, 3))
    assert out.dtype == torch.bfloat16
    wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32
    assert not torch.equal(model.weight, before)
    assert not torch.is_autocast_enabled('cpu')
