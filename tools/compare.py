"""Compare ways of learning from one teacher, over several seeds: one command."""

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

# Read, not imported: importing the package takes seconds, which --help need not.
spec = find_spec('mmreviewkd')
if spec is None or spec.origin is None:
    sys.exit('mmreviewkd is not installed: pip install -e .')
cli = runpy.run_path(str(Path(spec.origin).parent / 'job' / 'cli.py'))

if __name__ == '__main__':
    sys.exit(cli['compare']())
