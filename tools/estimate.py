"""Estimate a training on other hardware: ``tools/estimate.py CONFIG --gpus 8``."""

import argparse

COCO_IMAGES = 117_266


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Estimate time, memory and bytes exchanged of a training, with the '
        'teacher and without, from the operators of one step, which is run here on the '
        "CPU, and the rates of a card in its maker's data sheet. No GPU is needed. "
        'docs/estimate.md says how far it is to be trusted.'
    )
    parser.add_argument('configs', nargs='+', help='configs of distillation runs')
    parser.add_argument('--gpus', type=int, default=8, help='default: 8')
    parser.add_argument(
        '--gpu',
        default='H100',
        help="H200, H100, A100, L40S, L4, RTX4090, RTX3090, V100, T4, or 'cpu': this "
        'machine, whose step is measured too (default: H100)',
    )
    parser.add_argument(
        '--batch', type=int, help="images of a card in a step (default: the config's)"
    )
    parser.add_argument(
        '--no-amp',
        dest='amp',
        action='store_false',
        help='train in float32 (TF32 where the card has it) instead of mixed precision',
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=(800, 1344),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 800 1344)',
    )
    parser.add_argument(
        '--images',
        type=int,
        default=COCO_IMAGES,
        help='images in an epoch (default: those of COCO train2017 with objects, '
        f'{COCO_IMAGES})',
    )
    parser.add_argument(
        '--epochs', type=int, help="default: the config's train_cfg.max_epochs"
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.estimate.command import run

    run(args)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
