"""The job's commands as typed: ``tools/distill.py`` and ``tools/compare.py``.

Installed, they are ``mmreviewkd-distill`` and ``mmreviewkd-compare``. The package is
imported late: that takes seconds, which ``--help`` need not.
"""

import argparse
import math
import os
import sys
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any


def distill() -> int:
    """Train, distil and report; return the exit code."""
    parser = _parser(
        'Train a teacher, a small student alone, and the same student distilled from '
        'the teacher; end with a table and plots. Started again, it goes on where it '
        'was interrupted; several processes may share the work.',
        work_dir='work_dirs/NAME_OF_THE_FOLDER[_PAIR_OR_STUDENT]',
    )
    _add_unlabeled(parser.add_argument_group('unlabelled images'))
    return _run(vars(parser.parse_args()), one_teacher=False)


def compare() -> int:
    """Compare methods; return the exit code."""
    parser = _parser(
        'Train one teacher, and for each seed a small student alone and by each '
        'method; write a table and a plot after each run. Started again, with more '
        'methods or seeds if wanted, it goes on where it was; several processes may '
        'share the work.',
        work_dir='work_dirs/NAME_OF_THE_FOLDER[_PAIR_OR_STUDENT]_methods',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        metavar='FILE',
        help='files with a variable `method`, the dict that becomes '
        'model.distillation (default: all in configs/methods that are not for certain '
        'detectors)',
    )
    parser.add_argument(
        '--until-clear',
        type=_above_zero,
        metavar='POINTS',
        help='add seeds until the 95 %% interval of the gain of every method is '
        'narrower than this, in points of AP or accuracy',
    )
    parser.add_argument(
        '--max-seeds',
        type=_positive,
        metavar='N',
        help='with --until-clear: as many seeds at most (default: 10)',
    )
    parser.add_argument(
        '--budget',
        type=_above_zero,
        metavar='HOURS',
        help='with --until-clear: add no seed that would take the training and '
        'evaluation of all runs beyond this (default: no limit)',
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
        'in data/digits. For classifiers: what stands for the data_root of --pair',
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
        type=_share,
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
        type=_not_negative,
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
        help='epochs of the student, alone and distilled; the schedule follows '
        '(default: those of its config; small student 8, digits 5)',
    )
    parser.add_argument(
        '--teacher-epochs',
        type=_positive,
        metavar='N',
        help='epochs of the teacher, where it is trained (default: those of its '
        'config; small teacher 12, digits 9)',
    )
    parser.add_argument(
        '--image-size',
        type=_positive,
        metavar='PIXELS',
        help="scale images to this longest side (default: that of the pair's "
        'pipeline; small detectors 224, or the largest image if it is smaller)',
    )
    _add_detectors(parser.add_argument_group('teacher and student'))
    _add_training(parser.add_argument_group('training and device'))
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


def _add_detectors(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--pair',
        metavar='NAME',
        help='the config of a distillation: a published pair such as '
        'reviewkd_frcnn_r101_r18, a path, or a name in a package (default: small '
        'detectors that are trained from scratch)',
    )
    group.add_argument(
        '--student',
        metavar='CONFIG',
        help="config of the student's own training: a path, or a name such as "
        'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py; with --teacher, not --pair',
    )
    group.add_argument('--teacher', metavar='CONFIG', help='that of the teacher')
    group.add_argument(
        '--teacher-checkpoint',
        metavar='FILE',
        help='weights of a trained teacher, which is then not trained here '
        "(default: those that the pair's config names)",
    )
    group.add_argument(
        '--train-teacher',
        action='store_true',
        help='train the teacher on the data, from its checkpoint if it has one',
    )
    group.add_argument(
        '--student-checkpoint',
        metavar='FILE',
        help='weights of the whole student to start from, alone and distilled',
    )
    group.add_argument(
        '--from-scratch',
        action='store_true',
        help='start from random weights, with no layer frozen; downloads nothing',
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--amp',
        action=argparse.BooleanOptionalAction,
        help='mixed precision (default: on GPUs)',
    )
    group.add_argument(
        '--batch',
        type=_batch,
        metavar='N',
        help='images a step and process, or auto: the largest power of two that the '
        "GPU holds (default: the config's); the learning rate follows where the config "
        'has auto_scale_lr.base_batch_size',
    )
    group.add_argument(
        '--workers',
        type=_not_negative,
        metavar='N',
        help="processes that load images (default: the config's, at most one less "
        'than there are cores)',
    )
    group.add_argument(
        '--device',
        metavar='NAME',
        help='cpu, cuda, or one GPU such as cuda:1 (default: a GPU where there is one)',
    )
    group.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what has started several processes that train together, as for '
        'tools/train.py',
    )
    # Launchers of former times pass it instead of setting the variable.
    group.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS
    )
    group.add_argument(
        '--patience',
        type=_positive,
        metavar='N',
        help='evaluate after each epoch, and end a run when N of them have not raised '
        'its AP',
    )
    group.add_argument(
        '--max-images',
        nargs=2,
        type=_positive,
        metavar=('TRAIN', 'VAL'),
        help='use so many images for training and for validation at most',
    )
    group.add_argument(
        '--export',
        choices=['onnx'],
        help='format in which to write the distilled student too, beside that for '
        'MMDetection, which is always in WORK_DIR/student',
    )
    group.add_argument(
        '--dry-run',
        action='store_true',
        help='build all, take a step of each run, say what it will take, and stop',
    )


def _add_unlabeled(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--unlabeled',
        metavar='FOLDER',
        help='images without annotations: the student is distilled with them too, as '
        'many to a batch as there are labelled ones, and gets another row of the table',
    )
    group.add_argument(
        '--pseudo-labels',
        nargs='?',
        type=_share,
        const=0.7,
        metavar='SCORE',
        help="also train on the teacher's predictions on them that have this score and "
        'more, a third row (default, where it is named without a number: 0.7)',
    )


def _batch(text: str) -> int | str:
    if text == 'auto':
        return text
    try:
        return _positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f'{error}, nor auto') from None


def _not_negative(text: str) -> int:
    return _whole(text, 0)


def _choose_device(device: str | None) -> None:
    """Let PyTorch, which is not imported yet, see the device alone.

    Raises:
        ValueError: If there is no such device.
    """
    if device is None:
        return
    kind, _, number = device.partition(':')
    if kind not in ('cpu', 'cuda') or (number and not number.isdigit()):
        raise ValueError(f'--device {device}: write cpu, cuda, or cuda:1')
    name = 'CUDA_VISIBLE_DEVICES'
    if kind == 'cpu':
        os.environ[name] = ''
        return
    if number:
        visible = [gpu for gpu in os.environ.get(name, '').split(',') if gpu]
        if visible and int(number) >= len(visible):
            raise ValueError(
                f'--device {device}: {name}={",".join(visible)} has no GPU {number}; '
                'they count from 0'
            )
        os.environ[name] = visible[int(number)] if visible else number
    import torch

    if not torch.cuda.is_available():
        raise ValueError(f'--device {device}: PyTorch finds no such GPU')


def _positive(text: str) -> int:
    return _whole(text, 1)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(
            f'{text} is no whole number of {least} or more'
        )
    return int(text)


def _above_zero(text: str) -> float:
    number = _number(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f'{text} is no number above 0')
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f'{text} is no number between 0 and 1')
    return number


def _number(text: str) -> float:
    """Read a number; what is none is compared with others as if it were NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _take(args: dict[str, Any], names: tuple[Field, ...]) -> dict[str, Any]:
    """Move the arguments of some fields out of the others."""
    return {field.name: args.pop(field.name) for field in names}


def _run(args: dict[str, Any], one_teacher: bool) -> int:
    try:
        _choose_device(args.pop('device'))
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    local_rank = str(args.pop('local_rank'))
    if args['launcher'] != 'none':
        os.environ.setdefault('LOCAL_RANK', local_rank)
    from mmreviewkd.files import configs_folder
    from mmreviewkd.launch import hide_package_warnings, is_for_the_user

    hide_package_warnings()
    from mmengine.dist import get_rank

    from mmreviewkd import job
    from mmreviewkd.data_folders import Given
    from mmreviewkd.job.options import parse_options

    folder = configs_folder()
    data = Given(**{field: args.pop(field) for field in Given._fields})
    until = {key: args.pop(key, None) for key in ('max_seeds', 'budget')}
    width = args.pop('until_clear', None)
    controls = job.CONTROLS if args.pop('controls') else ()
    unlabeled, score = args.pop('unlabeled', None), args.pop('pseudo_labels', None)
    named = args.pop('methods', None)
    files = named or sorted(Path(folder, 'methods').glob('*.py'))
    detectors = job.Detectors(**_take(args, fields(job.Detectors)))
    training = job.Training(**_take(args, fields(job.Training)))
    try:
        options = parse_options(args.pop('options'))
        if one_teacher:
            methods = job.read_methods(files)
            if not named:
                # The others need heads that the job's detectors do not have.
                methods = [one for one in methods if not one.detectors]
            # They shall differ in what they teach alone.
            options = {'model.inherit': ()} | options
        else:
            methods = [job.AS_CONFIGURED]
            if unlabeled:
                methods += job.unlabeled_methods(unlabeled, score)
            elif score is not None:
                raise job.JobError('--pseudo-labels needs --unlabeled FOLDER')
        run = partial(
            job.run_job,
            folder / 'small',
            methods=[*methods, *controls],
            one_teacher=one_teacher,
            detectors=detectors,
            training=training,
            options=options,
            given=data,
            **args,
        )
        until = {key: value for key, value in until.items() if value is not None}
        if width is None and until:
            raise job.JobError('--max-seeds and --budget need --until-clear POINTS')
        if width is not None and args['launcher'] != 'none':
            # Processes that have left each other do not find together again.
            raise job.JobError(
                '--until-clear does not go with --launcher; name the seeds, such as '
                '--seeds 0 1 2, or leave out --launcher'
            )
        if width is None or args['dry_run']:
            run()
        else:
            seeds = args['seeds']
            job.run_until_clear(lambda s: run(seeds=s), width, seeds, **until)
    except KeyboardInterrupt:
        print('\nInterrupted; the same command goes on from here.', file=sys.stderr)
        return 130
    except SystemExit:
        # PreemptionHook has written a checkpoint.
        if get_rank() == 0:
            print('The same command goes on from here.', file=sys.stderr)
        raise
    except Exception as error:
        if not is_for_the_user(error):
            raise
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0
