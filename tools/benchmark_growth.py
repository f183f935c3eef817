"""Measure how the cost of distillation grows: ``benchmark_growth.py CONFIG PLOT``."""

import argparse
from pathlib import Path

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmreviewkd.benchmark import growth_table, measure_growth, plot_growth
from mmreviewkd.launch import hide_package_warnings, run_script


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Time and peak memory of the parts of a distillation step against '
        'image size, images in a step, levels and channels of the review: a table, and '
        'a plot.'
    )
    parser.add_argument('config', help='config of a distillation run')
    parser.add_argument('plot', type=Path, help='the PNG to write')
    parser.add_argument('--rounds', type=int, default=2, help='default: 2')
    args = parser.parse_args()
    hide_package_warnings()
    MMLogger.get_instance('benchmark', log_level='WARNING')
    result = measure_growth(Config.fromfile(args.config), args.rounds)
    plot_growth(result, args.plot)
    print(f'\n{growth_table(result)}')


if __name__ == '__main__':
    run_script(main)
