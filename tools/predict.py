"""Predict on images: ``tools/predict.py MODEL [CHECKPOINT] IMAGES... --out-dir DIR``.

MODEL is a config, followed by its checkpoint, or a folder that publish_student.py has
written, which has its own. IMAGES are files or folders. DIR gets the pictures and
predictions.json, in COCO's results format.
"""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Predict on images: pictures, and a results file in COCO format'
    )
    parser.add_argument('model', help='a config, or the folder of a published student')
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='[CHECKPOINT] IMAGES',
        help='the checkpoint (*.pth; that of a published folder may be left out), then '
        'image files or folders',
    )
    parser.add_argument(
        '--out-dir',
        type=Path,
        required=True,
        help='folder for pictures/, predictions.json and images.json',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='draw detections with a score above this (default: 0.3); the results file '
        'has all',
    )
    parser.add_argument(
        '--ann-file',
        type=Path,
        help='take the numbers of images and classes from this COCO annotation file '
        '(default: count from 1)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', default=[], metavar='KEY=VALUE'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.config_file import read_config
    from mmreviewkd.inference import find_model
    from mmreviewkd.predict import find_images, predict

    config, checkpoint, places = find_model(args.model, args.inputs)
    images = find_images(places)
    cfg = read_config(config, args.cfg_options)
    print(
        predict(
            *(cfg, checkpoint, images, args.out_dir),
            score_thr=args.score_thr,
            ann_file=args.ann_file,
        )
    )


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
