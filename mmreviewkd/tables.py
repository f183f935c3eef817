"""Tables in Markdown."""

from collections.abc import Sequence


def markdown(rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """Lay out a table.

    Args:
        rows (Sequence[Sequence[str]]): The cells, row by row, the header first.
        text_columns (int): How many of the first columns are flush left; the others,
            which hold numbers, are flush right. Defaults to 1.
    """
    escaped = [[cell.replace('|', '\\|') for cell in row] for row in rows]
    # Markdown wants three dashes, or two and a colon.
    widths = [max(3, *map(len, column)) for column in zip(*escaped, strict=True)]
    rule = [
        '-' * width if column < text_columns else '-' * (width - 1) + ':'
        for column, width in enumerate(widths)
    ]
    lines = [
        [
            cell.ljust(width) if column < text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in (escaped[0], rule, *escaped[1:])
    ]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
