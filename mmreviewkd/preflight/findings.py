"""What checks have found."""

from collections.abc import Iterable


class Findings:
    """Collects problems, which need mending, and notes, which need not.

    Attributes:
        problems (list[str]): One line each.
        notes (list[str]): One line each.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []

    def problem(self, what: str, where: Iterable = ()) -> None:
        """Add a problem, and the first few places where it is."""
        self.problems.append(what + _places(where))

    def note(self, what: str, where: Iterable = ()) -> None:
        """Add a note, and the first few places that it is about."""
        self.notes.append(what + _places(where))

    def __iadd__(self, other: 'Findings') -> 'Findings':
        self.problems += other.problems
        self.notes += other.notes
        return self

    def __str__(self) -> str:
        lines = [f'PROBLEM  {text}' for text in self.problems]
        lines += [f'note     {text}' for text in self.notes]
        return '\n'.join(lines)


def _places(where: Iterable, most: int = 3) -> str:
    # As Python writes them: names may hold anything, line breaks included.
    names = [repr(place) for place in where]
    if not names:
        return ''
    rest = f' and {len(names) - most} more' if len(names) > most else ''
    return f': {", ".join(names[:most])}{rest}'
