"""The installed commands, ``mmreviewkd-distill`` and ``mmreviewkd-compare``.

Beside the package, not in it: importing that takes seconds, which --help need not.
"""

import runpy
from importlib.util import find_spec
from pathlib import Path


def distill() -> int:
    """Train, distil and report; return the exit code."""
    return _run('distill')


def compare() -> int:
    """Compare methods; return the exit code."""
    return _run('compare')


def _run(name: str) -> int:
    spec = find_spec('mmreviewkd')
    assert spec is not None and spec.origin is not None  # installed beside this file
    return runpy.run_path(str(Path(spec.origin).parent / 'job' / 'cli.py'))[name]()
