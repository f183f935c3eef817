"""Check a config and its data before a long run: ``tools/preflight.py CONFIG``."""

import argparse
import logging
import sys

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmengine.config import Config, DictAction
from mmengine.logging import MMLogger
from mmreviewkd.launch import hide_package_warnings, run_script
from mmreviewkd.names import counted
from mmreviewkd.preflight import preflight


def main() -> None:
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
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE'
    )
    args = parser.parse_args()
    hide_package_warnings()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
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
    run_script(main)
