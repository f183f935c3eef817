"""Errors of data sets."""

from mmreviewkd.errors import UsageError


class DataError(UsageError):
    """A data set cannot be used as it is; the message says why and what to do."""
