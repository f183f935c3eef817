"""Let a teacher annotate images, see ``tools/pseudo_labels.py --help``."""

import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Write a teacher's confident predictions on unlabelled images as a "
        'COCO annotation file'
    )
    parser.add_argument('config', help="the teacher's config")
    parser.add_argument('checkpoint', help="the teacher's weights")
    parser.add_argument('images', help='folder of images')
    parser.add_argument('out', help='annotation file to write')
    parser.add_argument(
        '--score-thr',
        nargs='+',
        default=['0.7'],
        metavar='SCORE',
        help='lowest score of a confident prediction; or NAME=SCORE for each class '
        '(default: 0.7)',
    )
    parser.add_argument(
        '--classes-of',
        metavar='ANN_FILE',
        help='annotation file of the labelled images, whose classes the teacher has to '
        'have',
    )
    parser.add_argument(
        '--batch-size', type=int, default=8, help='images at a time (default: 8)'
    )
    return parser.parse_args()


def read_thresholds(given: list[str]) -> float | dict[str, float]:
    pairs = [text.rpartition('=') for text in given]
    try:
        if len(given) == 1 and '=' not in given[0]:
            return float(given[0])
        if all('=' in text for text in given):
            return {name: float(value) for name, _, value in pairs}
    except ValueError:
        pass
    from mmreviewkd.errors import UsageError

    raise UsageError(
        f'--score-thr {" ".join(given)}: give one number, such as 0.7, or NAME=NUMBER '
        'for each class'
    )


def main(args: argparse.Namespace) -> None:
    thresholds = read_thresholds(args.score_thr)
    from mmreviewkd.datasets.pseudo_labels import classes_of, write_pseudo_labels

    counts = write_pseudo_labels(
        args.config,
        args.checkpoint,
        args.images,
        args.out,
        thresholds,
        classes_of(args.classes_of) if args.classes_of else None,
        args.batch_size,
    )
    print(f'{counts}\nwritten to {args.out}')


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
