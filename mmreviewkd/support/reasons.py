"""Why a job fails, in words."""

import re
import signal
import sys
import traceback
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from .jobs import stock_configs

PACKAGE = 'missing package'
OPERATOR = 'missing operator'
NETWORK = 'needs a network'
PROCESS = 'process'
ERROR = 'error'
LENGTH = 400
_MISSING = (
    r"No module named '([\w.]+)'",
    r'Failed to import (?!custom)([\w.]+)',
    r'(\w+) is not installed',
    r'[Pp]lease .*pip install (\w+)',
)


def explain(error: BaseException) -> tuple[str, str]:
    """Say why an exception was raised.

    Args:
        error (BaseException): The exception.

    Returns:
        tuple[str, str]: The kind of cause, one of this module's constants, and the
        reason in a line.
    """
    text = _one_line(str(error))
    operator = re.search(r"mmcv's operator (\S+)", text)
    if operator:
        return OPERATOR, f"needs mmcv's operator {operator[1]}, of the compiled mmcv"
    for one in _chain(error):
        for pattern in _MISSING:
            found = re.search(pattern, str(one))
            if found:
                package = found[1].split('.')[0]
                return PACKAGE, f'needs the package {package}, which is not installed'
        if isinstance(one, URLError | HTTPException | ConnectionError):
            return NETWORK, 'needs files that it downloads'
    return ERROR, f'{type(error).__name__}: {text or _place(error)}'


def explain_end(exitcode: int | None, cpu: int, wall: int) -> tuple[str, str] | None:
    """Say how a process ended; None where it ended well.

    Args:
        exitcode (int, optional): As multiprocessing gives it; None if it still runs.
        cpu (int): Its limit of CPU time in seconds.
        wall (int): Its limit of time in seconds.
    """
    if exitcode is None:
        return PROCESS, f'not done within {wall} s'
    if exitcode == -signal.SIGXCPU:
        return PROCESS, f'not done within {cpu} s of CPU time'
    if exitcode < 0:
        return PROCESS, f'the process was ended by {signal.Signals(-exitcode).name}'
    if exitcode > 0:
        return PROCESS, f'the process ended with exit code {exitcode}'
    return None


def _chain(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _place(error: BaseException) -> str:
    """Where an error without a message was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f'{frame.line} ({Path(frame.filename).name})'


def _one_line(text: str) -> str:
    """Shorten a message, and leave out where this machine keeps its files."""
    for folder in (str(stock_configs()), sys.prefix):
        text = text.replace(f'{folder}/', '')
    text = ' '.join(text.split())
    return text if len(text) <= LENGTH else f'{text[:LENGTH]} ...'
