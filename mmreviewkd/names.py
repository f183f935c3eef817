"""Names out of a data set, which may hold anything."""


def printable(name: str) -> str:
    """Write a name on one line: what does not print as escapes, as in Python.

    >>> printable('größe\\n\\x1b[31m')
    'größe\\\\n\\\\x1b[31m'
    """
    return ''.join(
        char if char.isprintable() else char.encode('unicode_escape').decode()
        for char in name
    )
