"""Find out which models work: ``tools/support.py TABLE PAGE``."""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Try a configuration of each of MMDetection's model families as a "
        'student, and pairs of families, with random weights and made images: add a '
        'row for each to a table, and write it as a page. Started again, it goes on '
        'where it was interrupted.'
    )
    parser.add_argument('table', type=Path, help='the CSV to write or go on with')
    parser.add_argument('page', type=Path, help='the Markdown page to write')
    parser.add_argument(
        '--list', type=Path, metavar='YAML', help="default: this project's"
    )
    parser.add_argument(
        '--cpu', type=int, default=120, help='seconds of CPU time for each (120)'
    )
    parser.add_argument(
        '--wall', type=int, default=900, help='seconds for each, at most (900)'
    )
    parser.add_argument(
        '--no-run', action='store_true', help='only write the page anew'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.support import main as find_out

    find_out(args)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
