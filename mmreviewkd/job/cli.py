"""The one-command job, as typed: ``tools/distill.py`` or ``mmreviewkd-distill``."""

import argparse
import sys

from mmengine.config import DictAction

from mmreviewkd.files import configs_folder
from mmreviewkd.launch import hide_package_warnings

from .errors import JobError
from .job import run_job


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Train a teacher, a small student alone, and the same student '
        'distilled from the teacher; end with a table and plots. Started again, it '
        'goes on where it was interrupted.'
    )
    parser.add_argument(
        'folder',
        nargs='?',
        help='data set in COCO format, such as a folder with images/ and '
        'annotations/instances_{train,val}.json; without it, handwritten digits '
        'on photographs are made in data/digits',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='use these classes only (default: all of the annotation file)',
    )
    parser.add_argument(
        '--work-dir',
        help='where everything goes (default: work_dirs/NAME_OF_THE_FOLDER)',
    )
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        default=[0],
        metavar='N',
        help='do everything once with each of these seeds (default: 0)',
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='few images, two epochs: only shows that all works, in about two minutes',
    )
    parser.add_argument(
        '--controls',
        action='store_true',
        help='also distil from a random teacher, and with a loss weight of 0',
    )
    parser.add_argument(
        '--epochs',
        type=_positive,
        metavar='N',
        help='epochs of the student, alone and distilled (default: 8; digits: 5)',
    )
    parser.add_argument(
        '--teacher-epochs',
        type=_positive,
        metavar='N',
        help='epochs of the teacher (default: 12; digits: 9)',
    )
    parser.add_argument(
        '--image-size',
        type=_positive,
        metavar='PIXELS',
        help='scale images to this longest side (default: 224, or that of the '
        'largest image if it is smaller)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change fields of the configs, named as in that of the distilled run, '
        'such as train_dataloader.batch_size=8 or '
        'model.student.backbone.base_channels=16',
    )
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is less than 1')
    return number


def main() -> int:
    """Run the job; return the exit code."""
    args = vars(parse_args())
    hide_package_warnings()
    try:
        run_job(configs_folder() / 'small', options=args.pop('cfg_options'), **args)
    except JobError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nInterrupted; the same command goes on from here.', file=sys.stderr)
        return 130
    return 0
