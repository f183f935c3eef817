"""Measure how the cost of distillation grows: ``benchmark_growth.py CONFIG PLOT``."""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Time and peak memory of the parts of a distillation step against '
        'image size, images in a step, levels and channels of the review: a table, and '
        'a plot.'
    )
    parser.add_argument('config', help='config of a distillation run')
    parser.add_argument('plot', type=Path, help='the PNG to write')
    parser.add_argument('--rounds', type=int, default=2, help='default: 2')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmengine.logging import MMLogger

    from mmreviewkd.benchmark import growth_table, measure_growth, plot_growth
    from mmreviewkd.config_file import read_config

    MMLogger.get_instance('benchmark', log_level='WARNING')
    result = measure_growth(read_config(args.config), args.rounds)
    plot_growth(result, args.plot)
    print(f'\n{growth_table(result)}')


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
