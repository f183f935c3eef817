"""The documentation: ``sphinx-build -W docs docs/_build`` writes it as HTML."""

from pathlib import Path

from sphinx.application import Sphinx

import mmreviewkd

project = 'mmreviewkd'
release = mmreviewkd.__version__
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
# Tables that pages include or link to.
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'{project} {release}'
html_show_copyright = False
myst_heading_anchors = 3
# The docstrings say the types.
autodoc_typehints = 'none'
autodoc_member_order = 'bysource'

# Pages that are files of other folders.
_FILES = {
    'changelog': 'CHANGELOG.md',
    'configs': 'configs/README.md',
    'contributing': 'CONTRIBUTING.md',
    'method_configs': 'configs/methods/README.md',
}
# Links to and in files of other folders, which are written for readers of these.
_LINKS = {
    '](../README.md': '](quickstart.md',
    '](../configs/README.md': '](configs.md',
    '](../configs/methods/README.md': '](method_configs.md',
    '](methods/README.md': '](method_configs.md',
    '](../../docs/': '](',
    '](../docs/': '](',
    '](docs/': '](',
}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    if page in _FILES:
        source[0] = (Path(app.srcdir).parent / _FILES[page]).read_text()
    for written, here in _LINKS.items():
        source[0] = source[0].replace(written, here)


def setup(app: Sphinx) -> None:
    """Register what is done to each page."""
    app.connect('source-read', _read)
