"""Errors that the user can mend."""

from mmreviewkd.errors import UsageError


class JobError(UsageError):
    """What was asked for cannot be done; the message says why and what to do."""
