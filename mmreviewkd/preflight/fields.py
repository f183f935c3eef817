"""The fields of a config that MMEngine's runner reads."""

from difflib import get_close_matches

from mmengine.config import Config

from mmreviewkd.config_file import RUN_FIELDS

from .findings import Findings

# Variables are often named test_pipeline, which is close to it.
_KNOWN = RUN_FIELDS - {'tta_pipeline'}


def check_fields(cfg: Config, found: Findings) -> None:
    """Find misspelt fields, which MMEngine passes over without a word.

    Args:
        cfg (Config): The config of a run. It may have variables of its own, so only
            names that are close to a field's are told.
        found (Findings): Gets a problem for each.
    """
    for name in cfg:
        # Variables such as val_evaluator_a are parts of a field.
        if name in _KNOWN or name.startswith(tuple(f'{field}_' for field in _KNOWN)):
            continue
        close = get_close_matches(name, _KNOWN, n=1, cutoff=0.85)
        if close:
            found.problem(
                f'the config has a field {name!r}, which nothing reads; is it meant '
                f'to be {close[0]!r}?'
            )
