"""Attempts whose failure is a finding."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .findings import Findings


def attempt(what: str, do: Callable[[], Any], found: Findings) -> bool:
    """Do something, and turn an error into a problem.

    Args:
        what (str): What an error means, such as ``'the model cannot be built'``.
        do (Callable): What to do; it may find problems of its own.
        found (Findings): Gets the problem, with the line of code that it comes from.

    Returns:
        bool: Whether there was neither an error nor a problem.
    """
    before = len(found.problems)
    try:
        do()
    except Exception as error:  # what a config names can fail in any way
        place = traceback.extract_tb(error.__traceback__)[-1]
        found.problem(
            f'{what}: {type(error).__name__}: {error} '
            f'({Path(place.filename).name}:{place.lineno})'
        )
    return len(found.problems) == before
