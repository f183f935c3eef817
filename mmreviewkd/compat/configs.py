"""Configs of this package by name, such as ``mmreviewkd::small/reviewkd_frcnn.py``."""

from mmengine.config.utils import MODULE2PACKAGE

NAME = __name__.split('.')[0]


def install() -> None:
    """Add this package to those whose configs MMEngine finds by name."""
    MODULE2PACKAGE.setdefault(NAME, NAME)
