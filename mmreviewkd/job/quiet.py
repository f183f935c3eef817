"""Keeping to oneself what MMEngine and MMDetection say."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

from mmengine.logging import MMLogger


@contextmanager
def quiet() -> Iterator[None]:
    """Show neither what is printed nor what is logged, unless it is an error."""
    # Its handlers write to the streams that there were when it was made.
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with (
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
