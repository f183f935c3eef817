"""Errors that the user can mend."""


class JobError(ValueError):
    """What was asked for cannot be done; the message says why and what to do."""
