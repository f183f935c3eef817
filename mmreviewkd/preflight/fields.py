"""The fields of a config that MMEngine's runner reads."""

import inspect
from difflib import get_close_matches

from mmengine.config import Config
from mmengine.runner import Runner

from .findings import Findings

# Read out of the whole config, not as arguments.
_OTHERS = (
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'tta_model',
)


def check_fields(cfg: Config, found: Findings) -> None:
    """Find misspelt fields, which MMEngine passes over without a word.

    Args:
        cfg (Config): The config of a run. It may have variables of its own, so only
            names that are close to a field's are told.
        found (Findings): Gets a problem for each.
    """
    known = {*inspect.signature(Runner).parameters, *_OTHERS} - {'cfg'}
    for name in cfg:
        # Variables such as val_evaluator_a are parts of a field.
        if name in known or name.startswith(tuple(f'{field}_' for field in known)):
            continue
        close = get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            found.problem(
                f'the config has a field {name!r}, which nothing reads; is it meant '
                f'to be {close[0]!r}?'
            )
