"""A check that a checkpoint is one of the model that is tested."""

from collections import OrderedDict

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmreviewkd.errors import UsageError
from mmreviewkd.names import listing

_DISTILLATION = 'distillation.'


class StrictLoadHook(Hook):
    """Ends a test with a checkpoint that does not fit the model.

    MMEngine leaves weights at random that it does not find, and only logs it.

    Args:
        checkpoint (str): The checkpoint's name, for the error.
    """

    priority = 'LOWEST'

    def __init__(self, checkpoint: str) -> None:
        self._checkpoint = checkpoint

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Load it strictly, before MMEngine does it leniently."""
        load_strictly(runner.model, checkpoint, self._checkpoint)


def load_strictly(model: nn.Module, checkpoint: dict, name: str) -> None:
    """Load the weights of a checkpoint, all of which the model has to have.

    Weights of the distillation may be missing or left over: they have no part in
    testing.

    Args:
        model (nn.Module): The model, wrapped or not.
        checkpoint (dict): The checkpoint's content.
        name (str): Its name, for the error.

    Raises:
        UsageError: If weights are missing, left over, or of another shape.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    stored = checkpoint.get('state_dict', checkpoint)
    state = OrderedDict(
        (name, value)
        for name, value in (
            (name.removeprefix('module.'), value) for name, value in stored.items()
        )
        if not name.startswith(_DISTILLATION)
    )
    # With the versions of the modules, by which they read older checkpoints.
    state._metadata = getattr(stored, '_metadata', None)
    try:
        missing, left_over = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise UsageError(_problem(name, f'\n{error}')) from None
    missing = [
        weight
        for weight in missing
        # Checkpoints from before PyTorch 1.0 do not count batches.
        if not weight.startswith(_DISTILLATION) and 'num_batches_tracked' not in weight
    ]
    if missing or left_over:
        raise UsageError(
            _problem(
                name,
                listing('missing in the checkpoint', missing)
                + listing('not in the config', left_over),
            )
        )


def _problem(checkpoint: str, details: str) -> str:
    return (
        f'the checkpoint {checkpoint} does not fit the model of the config:'
        f'{details}\nUse it with the config that it was trained with.'
    )
