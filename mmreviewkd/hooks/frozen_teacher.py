"""A check that the teacher stays as it was loaded."""

import hashlib

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from .distilled_model import distilled_model


@HOOKS.register_module()
class FrozenTeacherHook(Hook):
    """Ends training where the teacher changes, or the distillation does not.

    Fingerprints of all weights and statistics are compared at each checkpoint: the
    teacher's must be that of the start, the distillation's another one than at the
    last checkpoint, if it has parameters and was at work in between.

    Raises:
        RuntimeError: If that is not so. It is raised before the checkpoint is
            written.
    """

    def before_train(self, runner: Runner) -> None:
        """Take the first fingerprints."""
        model = distilled_model(runner, self)
        self._teacher = fingerprint(model.teacher)
        self._distillation = fingerprint(model.distillation)
        self._trained = False

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Note whether this step trained the distillation's weights."""
        if not self._trained:
            model = distilled_model(runner, self)
            trainable = any(p.requires_grad for p in model.distillation.parameters())
            self._trained = trainable and model.is_distilling

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the fingerprints."""
        model = distilled_model(runner, self)
        if fingerprint(model.teacher) != self._teacher:
            raise RuntimeError(
                "the teacher's weights or statistics have changed since they were "
                'loaded, so the student learns from something else; does a hook or '
                'the code of a module write to model.teacher?'
            )
        distillation = fingerprint(model.distillation)
        if self._trained and distillation == self._distillation:
            raise RuntimeError(
                "the distillation's weights have not changed since the last "
                'checkpoint: the student does not learn from the teacher. Is it left '
                'out of the optimizer (paramwise_cfg), or its learning rate 0?'
            )
        self._distillation = distillation
        self._trained = False


def fingerprint(module: nn.Module) -> str:
    """Give a hash of all parameters and buffers."""
    digest = hashlib.sha1(usedforsecurity=False)
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        # As bytes, since NumPy does not know all of PyTorch's types.
        digest.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
