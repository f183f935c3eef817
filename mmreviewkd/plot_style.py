"""How the plots look."""

import io
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from mmreviewkd.files import write_bytes

QUICK_NOTE = 'Quick run: numbers mean nothing'
COLOURS = dict(teacher='#4d4d4d', student='#d95f02', distilled='#1b6ca8')

_STYLE: Any = {
    'font.size': 10,
    'axes.titlesize': 11,
    'axes.titlelocation': 'left',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.edgecolor': '#888888',
    'axes.grid': True,
    'axes.grid.axis': 'y',
    'grid.color': '#e5e5e5',
    'axes.axisbelow': True,
    'savefig.dpi': 150,
    'savefig.bbox': 'tight',
    # Dollar signs in names are what they are.
    'text.parse_math': False,
}


def styled() -> AbstractContextManager[None]:
    """Return a context in which figures have the plots' style."""
    return matplotlib.rc_context(_STYLE)


def png(figure: Figure) -> bytes:
    """Draw a figure as a PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that the font lacks are drawn as boxes.
        warnings.filterwarnings('ignore', 'Glyph')
        figure.savefig(buffer, format='png')
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Save a figure in one step."""
    write_bytes(path, png(figure))
