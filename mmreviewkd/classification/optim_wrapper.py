"""Mixed precision in bfloat16, on any device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from mmreviewkd.precision import autocast


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Trains in bfloat16 where PyTorch's autocast has it, with weights in float32.

    MMEngine's AmpOptimWrapper refuses a CPU. The range of bfloat16 is that of float32,
    so losses need no scaling. ``optimizer``, ``accumulative_counts`` and ``clip_grad``
    are those of MMEngine's ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[Any]:
        """Compute a training step's forward pass in bfloat16."""
        device = next(model.parameters()).device
        with super().optim_context(model), autocast(device, torch.bfloat16):
            yield
