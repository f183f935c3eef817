"""Curves and a page about trainings: ``tools/report.py WORK_DIR [WORK_DIR ...]``."""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Draw losses, AP, learning rate, step time and memory of '
        'trainings, finished or not, and write a page about them that opens without a '
        'network.'
    )
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='of a training, or a folder of such, as tools/distill.py makes it',
    )
    parser.add_argument(
        '--out-dir', help='folder for report.html and *.png (WORK_DIR/report)'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.report import write_report

    out_dir = args.out_dir or Path(args.work_dirs[0]) / 'report'
    print(write_report(args.work_dirs, out_dir))


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
