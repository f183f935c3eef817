"""The job's commands as typed: ``tools/distill.py`` and ``tools/compare.py``.

Installed, they are ``mmreviewkd-distill`` and ``mmreviewkd-compare``. The package is
imported late: that takes seconds, which ``--help`` need not.
"""

import argparse
import sys
from pathlib import Path
from typing import Any


def distill() -> int:
    """Train, distil and report; return the exit code."""
    parser = _parser(
        'Train a teacher, a small student alone, and the same student distilled from '
        'the teacher; end with a table and plots. Started again, it goes on where it '
        'was interrupted; several processes may share the work.',
        work_dir='work_dirs/NAME_OF_THE_FOLDER',
    )
    return _run(vars(parser.parse_args()), one_teacher=False)


def compare() -> int:
    """Compare methods; return the exit code."""
    parser = _parser(
        'Train one teacher, and for each seed a small student alone and by each '
        'method; write a table and a plot after each run. Started again, with more '
        'methods or seeds if wanted, it goes on where it was; several processes may '
        'share the work.',
        work_dir='work_dirs/NAME_OF_THE_FOLDER_methods',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        metavar='FILE',
        help='files with a variable `method`, the dict that becomes '
        'model.distillation (default: all in configs/methods)',
    )
    return _run(vars(parser.parse_args()), one_teacher=True)


def _parser(description: str, work_dir: str) -> argparse.ArgumentParser:
    """Make a parser of what both commands take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        'folder',
        nargs='?',
        help='data set in COCO, YOLO, Pascal VOC or LabelMe format, see '
        'docs/data_formats.md; without it, handwritten digits on photographs are made '
        'in data/digits',
    )
    parser.add_argument(
        '--train-ann',
        metavar='FILE',
        help='COCO annotations for training, where they are not found by their name',
    )
    parser.add_argument(
        '--val-ann', metavar='FILE', help='COCO annotations for validation'
    )
    parser.add_argument(
        '--images',
        metavar='FOLDER',
        help='folder that the file names in the annotations are relative to',
    )
    parser.add_argument(
        '--val-fraction',
        type=float,
        metavar='SHARE',
        help='keep this share of the images for validation, such as 0.2, where the '
        'data set has one part only',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='use these classes only (default: all of the annotation file)',
    )
    parser.add_argument(
        '--work-dir', help=f'where everything goes (default: {work_dir})'
    )
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        default=[0],
        metavar='N',
        help='train once with each of these seeds (default: 0)',
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
        dest='options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change fields of the configs, named as in that of the distilled run, '
        'such as train_dataloader.batch_size=8, '
        'model.student.backbone.base_channels=16 or '
        "\"custom_hooks=[dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP')]\"",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is less than 1')
    return number


def _run(args: dict[str, Any], one_teacher: bool) -> int:
    from mmreviewkd.files import configs_folder
    from mmreviewkd.launch import hide_package_warnings

    hide_package_warnings()
    from mmreviewkd import job
    from mmreviewkd.data_folders import Given
    from mmreviewkd.job.options import parse_options

    folder = configs_folder()
    given = Given(**{field: args.pop(field) for field in Given._fields})
    controls = job.CONTROLS if args.pop('controls') else ()
    files = args.pop('methods', None) or sorted(Path(folder, 'methods').glob('*.py'))
    try:
        options = parse_options(args.pop('options'))
        if one_teacher:
            methods = job.read_methods(files)
            # They shall differ in what they teach alone.
            options = {'model.inherit': ()} | options
        else:
            methods = [job.AS_CONFIGURED]
        job.run_job(
            folder / 'small',
            methods=[*methods, *controls],
            one_teacher=one_teacher,
            options=options,
            given=given,
            **args,
        )
    except job.JobError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nInterrupted; the same command goes on from here.', file=sys.stderr)
        return 130
    return 0
