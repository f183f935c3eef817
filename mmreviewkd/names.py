"""Names out of a data set, which may hold anything, plurals and durations."""

from collections.abc import Sequence


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


def listing(what: str, names: Sequence[str], most: int = 8) -> str:
    """List names, one a line, under how many of what they are.

    Args:
        what (str): What they are.
        names (Sequence[str]): The names.
        most (int): How many are written out. Defaults to 8.

    Returns:
        str: Lines, each with a line break before it; nothing where there are no names.
    """
    if not names:
        return ''
    rest = [f'... and {len(names) - most} more'] if len(names) > most else []
    return f'\n{len(names)} {what}:' + ''.join(
        f'\n  {name}' for name in [*names[:most], *rest]
    )


def some(names: Sequence[str], most: int = 12) -> str:
    """Write the first of many names on one line, and how many more there are.

    Args:
        names (Sequence[str]): The names.
        most (int): How many are written out. Defaults to 12.

    >>> some(['a', 'b', 'c'], most=2)
    'a, b and 1 more'
    """
    rest = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(map(printable, names[:most])) + rest


def clock(seconds: float) -> str:
    """Write a duration as minutes and seconds, or hours and minutes.

    >>> clock(390), clock(3 * 3600 + 120)
    ('6:30', '3 h 02 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours = minutes // 60
    return f'{hours} h {minutes % 60:02} min' if hours else f'{minutes}:{rest:02}'
