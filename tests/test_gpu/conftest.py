"""Tests that run on the CPU, and again on a GPU: ``pytest -m gpu`` picks the latter."""

import pytest
import torch


@pytest.fixture(params=['cpu', pytest.param('cuda', marks=pytest.mark.gpu)])
def device(request):
    """The CPU, and the GPU where there is one."""
    return torch.device(request.param)
