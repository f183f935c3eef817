"""Errors that the user can mend."""


class UsageError(ValueError):
    """What was given does not fit; the message says what to give.

    The scripts in tools/ print it as one line, without a traceback.
    """
