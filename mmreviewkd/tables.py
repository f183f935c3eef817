"""Tables in Markdown."""

from collections.abc import Sequence


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table.

    Args:
        rows (Sequence[Sequence[str]]): The cells, row by row, the header first. The
            first column is flush left, the others, which hold numbers, flush right.
    """
    escaped = [[cell.replace('|', '\\|') for cell in row] for row in rows]
    # Markdown wants three dashes, or two and a colon.
    widths = [max(3, *map(len, column)) for column in zip(*escaped, strict=True)]
    rule = ['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        for row in (escaped[0], rule, *escaped[1:])
    ]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
