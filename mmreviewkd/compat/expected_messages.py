"""Messages that look like failures and are none.

This is the one place where messages of other packages are hidden or reworded.
"""

import logging
import warnings

from mmengine.logging import MMLogger

HIDDEN = (
    # MMEngine finds packages so, and its versions that work here go on with it.
    'pkg_resources is deprecated',
    # Of DistributedDataParallel for 1x1 convolutions in channels-last memory: a
    # matter of a few copies, in each process.
    'Grad strides do not match bucket view strides',
    # Of MMEngine's visualizer, for objects and names that reach the image's edge.
    'Warning: The bbox is out of bounds',
    'Warning: The polygon is out of bounds',
    'Warning: The text is out of bounds',
)
"""What the warnings begin with that the scripts do not show."""

REWORDED = {
    'The testing results of the whole dataset is empty.': (
        'nothing was detected in any image, so there is no AP yet; that is usual after '
        'the first epochs'
    ),
}
"""Errors in MMEngine's log that are no errors, and what is said instead."""


UNLOGGED = (
    # MMEngine's advice to itself: its own hooks use them.
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
"""What the lines begin with that are left out of MMEngine's logs."""


def hide_package_warnings() -> None:
    """Hide the expected warnings, which a user has no influence on."""
    for message in HIDDEN:
        warnings.filterwarnings('ignore', message=message)


def install() -> None:
    """Reword the expected errors in MMEngine's logs; leave expected warnings out."""
    MMLogger.filter = _filter


def _filter(self: MMLogger, record: logging.LogRecord) -> bool | logging.LogRecord:
    if str(record.msg).startswith(UNLOGGED):
        return False
    text = REWORDED.get(str(record.msg).strip())
    if text is not None:
        record.msg, record.levelno, record.levelname = text, logging.INFO, 'INFO'
    return logging.Logger.filter(self, record)
