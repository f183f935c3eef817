"""Names out of a data set, which may hold anything, and plurals."""


def printable(name: str) -> str:
    """Write a name on one line: what does not print as escapes, as in Python.

    >>> printable('größe\\n\\x1b[31m')
    'größe\\\\n\\\\x1b[31m'
    """
    return ''.join(
        char if char.isprintable() else char.encode('unicode_escape').decode()
        for char in name
    )


def counted(number: int, name: str, plural: str = '') -> str:
    """Write a number with what it counts.

    Args:
        number (int): How many.
        name (str): Name of one.
        plural (str): Name of several. Defaults to ``''``: ``name`` and an s.

    >>> counted(1, 'class', 'classes'), counted(2, 'class', 'classes')
    ('1 class', '2 classes')
    """
    return f'{number} {name if number == 1 else plural or name + "s"}'
