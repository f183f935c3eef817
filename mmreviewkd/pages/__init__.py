"""Pages from templates: HTML files that hold all they show, and Markdown."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmreviewkd.files import write_text


def write_page(path: Path, template: str, **content: Any) -> None:
    """Write a page.

    Args:
        path (Path): The file to write.
        template (str): Name of the template, a file in this package.
        **content: What the template asks for.
    """
    environment = Environment(
        loader=PackageLoader(__name__, ''),
        autoescape=select_autoescape(['html']),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    write_text(path, environment.get_template(template).render(content))


def embedded(image: bytes) -> str:
    """Give a PNG as an address that holds the picture itself."""
    return f'data:image/png;base64,{base64.b64encode(image).decode()}'
