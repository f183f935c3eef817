"""A check that the teacher stays as it was loaded, and that the student uses it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor

from mmreviewkd.datasets.class_names import check_data_sets, class_names
from mmreviewkd.distillers import DistillationMixin

from .class_order import check_classes
from .distilled_model import distilled_model


@HOOKS.register_module()
class FrozenTeacherHook(Hook):
    """Ends training where the teacher changes, or the distillation does not.

    Fingerprints are compared at each checkpoint. That of the teacher's weights and
    statistics must be that of the start. That of the distillation's trained parameters
    must not be that of the last checkpoint, if in between the optimizer has taken a
    step in which the distillation was at work. No such step are iterations that only
    accumulate gradients, those that a scaler or the model skips, and those with a
    learning rate of 0 for all.

    Before training, the classes of teacher and data set are compared
    (:func:`check_teacher_classes`).

    Raises:
        RuntimeError: If a fingerprint is not as it must be. It is raised before the
            checkpoint is written.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare the classes, and take the first fingerprints."""
        model = distilled_model(runner, self)
        check_teacher_classes(model, runner.train_dataloader.dataset)
        self._teachers = _teachers(model)
        self._trained = {
            name: parameter
            for name, parameter in model.distillation.named_parameters()
            if parameter.requires_grad
        }
        self._distillation = fingerprint(self._trained)
        self._stepped = False

        def after_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
            # Looking at gradients waits for the device, so do it until one is seen.
            if not self._stepped and model.is_distilling:
                self._stepped = _learns(optimizer) and _pulled(self._trained)

        wrapper = runner.optim_wrapper
        several = isinstance(wrapper, OptimWrapperDict)
        self._handles = [
            one.optimizer.register_step_post_hook(after_step)
            for one in (wrapper.values() if several else [wrapper])
        ]

    def after_train(self, runner: Runner) -> None:
        """Watch the optimizer no longer."""
        for handle in self._handles:
            handle.remove()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the fingerprints."""
        model = distilled_model(runner, self)
        if _teachers(model) != self._teachers:
            raise RuntimeError(
                "a teacher's weights or statistics have changed since they were "
                'loaded, so the student learns from something else; does a hook or '
                'the code of a module write to it?'
            )
        distillation = fingerprint(self._trained)
        if self._stepped and distillation == self._distillation:
            raise RuntimeError(
                "the distillation's weights have not changed since the last "
                'checkpoint: the student does not learn from the teacher. Is it left '
                'out of the optimizer (paramwise_cfg), its learning rate 0, or its '
                'loss without gradients?'
            )
        self._distillation = distillation
        self._stepped = False


def _teachers(model: DistillationMixin) -> list[str]:
    """Fingerprints of all teachers."""
    return [fingerprint(lesson.teacher.state_dict()) for lesson in model.lessons]


def check_teacher_classes(model: DistillationMixin, dataset: Any) -> None:
    """Compare the classes of all teachers with those of all parts of a data set.

    Args:
        model (DistillationMixin): The model, with its teachers loaded.
        dataset (Dataset): The data set that is trained on.

    Raises:
        ValueError: See :func:`check_data_sets` and :func:`check_classes`.
    """
    check_data_sets(dataset, 'train_dataloader.dataset')
    # All parts number the classes alike.
    classes = class_names(dataset)
    for number, lesson in enumerate(model.lessons):
        check_classes(
            lesson.teacher.classes,
            classes,
            any(one.needs_heads for one in lesson.distillations),
            # Parts of the student start from the first teacher's.
            () if number else model.start.parts,
            model.start.only_fitting,
        )


def _learns(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether a step changes anything: a schedule may begin or end with 0."""
    return any(group['lr'] for group in optimizer.param_groups)


def _pulled(parameters: Mapping[str, Tensor]) -> bool:
    """Tell whether a step has reason to move any of the parameters.

    A skipped step has gradients of 0. Where there are none at all, the loss does not
    lead to the parameters, though it should.
    """
    grads = [parameter.grad for parameter in parameters.values()]
    given = [grad for grad in grads if grad is not None]
    return bool(grads) and (not given or any(bool(grad.any()) for grad in given))


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Give a hash of names and values."""
    digest = hashlib.sha1(usedforsecurity=False)
    for name, value in tensors.items():
        digest.update(name.encode())
        # As bytes, since NumPy does not know all of PyTorch's types.
        digest.update(
            value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
        )
    return digest.hexdigest()
