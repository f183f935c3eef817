"""Check a config and its data before a long run: ``tools/preflight.py CONFIG``."""

import argparse
import logging
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Check annotation files, images, numbers of classes, the teacher '
        'and one training step; exit code 1 where something is wrong.'
    )
    parser.add_argument('config', help='config file of a training')
    parser.add_argument(
        '--images',
        type=int,
        default=500,
        metavar='N',
        help='read so many images of each annotation file at most (default: 500)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', default=[], metavar='KEY=VALUE'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmengine.logging import MMLogger

    from mmreviewkd.config_file import read_config
    from mmreviewkd.names import counted
    from mmreviewkd.preflight import preflight

    cfg = read_config(args.config, args.cfg_options)
    MMLogger.get_instance('preflight', log_level=logging.ERROR)
    found = preflight(cfg, args.images)
    print(found)
    print(
        counted(len(found.problems), 'problem')
        if found.problems
        else 'No problem was found.'
    )
    sys.exit(1 if found.problems else 0)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
