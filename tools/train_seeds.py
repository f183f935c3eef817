"""Train a classifier with several seeds at once: ``tools/train_seeds.py CONFIG``."""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train a classifier of a config once with each of some seeds, all '
        'at once, with the data on the device. Started again, it is resumed.'
    )
    parser.add_argument('config', help='config of a classifier on CIFAR-100')
    parser.add_argument(
        '--seeds', nargs='+', type=int, default=[0], metavar='N', help='default: 0'
    )
    parser.add_argument(
        '--work-dir', help='where everything goes (default: work_dirs/CONFIG_seeds)'
    )
    parser.add_argument(
        '--minutes',
        type=float,
        default=float('inf'),
        metavar='N',
        help='stop at the next epoch after this time (default: never)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', default=[], metavar='KEY=VALUE'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmengine.logging import MMLogger

    from mmreviewkd.classification.seeds import train_seeds
    from mmreviewkd.config_file import read_config

    MMLogger.get_instance('seeds', log_level='WARNING')
    name = f'work_dirs/{Path(args.config).stem}_seeds'
    train_seeds(
        read_config(args.config, args.cfg_options),
        args.seeds,
        Path(args.work_dir or name),
        args.minutes,
        say=lambda text: print(text, flush=True),
    )


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
