"""Curves and a page about trainings: ``tools/report.py WORK_DIR [WORK_DIR ...]``."""

import argparse
from pathlib import Path

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmreviewkd.launch import hide_package_warnings, run_script
from mmreviewkd.report import write_report


def main() -> None:
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
    args = parser.parse_args()
    hide_package_warnings()
    out_dir = args.out_dir or Path(args.work_dirs[0]) / 'report'
    print(write_report(args.work_dirs, out_dir))


if __name__ == '__main__':
    run_script(main)
