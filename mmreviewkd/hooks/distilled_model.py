"""The model that the hooks are about."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmreviewkd.distillers import DistillationMixin


def distilled_model(runner: Runner, hook: Hook) -> DistillationMixin:
    """Give the runner's model, out of what wraps it for several processes.

    Args:
        runner (Runner): The runner.
        hook (Hook): The hook that needs the model.

    Raises:
        TypeError: If nothing is distilled in this training.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if not isinstance(model, DistillationMixin):
        raise TypeError(
            f'{type(hook).__name__} needs a DistilledModel, got '
            f'{type(model).__name__}; take it out of custom_hooks'
        )
    return model
