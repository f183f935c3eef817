"""The error of an operator that has no stand-in."""

from typing import NoReturn

from ..versions import COMPILED, find_stack


def refuse(name: str) -> NoReturn:
    """Raises the error that names the operator and says what to install.

    Args:
        name: The operator's name in ``mmcv._ext``, or the part of it that is missing.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError(
        f"mmcv's operator {name} needs the compiled mmcv and has no stand-in here: "
        f'install that with a C++ compiler at hand: {COMPILED[find_stack()]}.'
    )
