"""Draw what a distilled detector attends to.

``python tools/attention.py CONFIG CHECKPOINT IMAGES... --out-dir DIR`` writes a picture
for each image, with a column for each level: the energy of the teacher's and the
student's maps, and how much attention-based fusion takes of the level itself and of the
review.
"""

import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Draw what a distilled detector attends to'
    )
    parser.add_argument('config', help='config of the distillation run')
    parser.add_argument('checkpoint', help='one of its checkpoints')
    parser.add_argument('images', nargs='+', metavar='IMAGE', help='image files')
    parser.add_argument(
        '--out-dir', required=True, help='folder for attention.html and *.png'
    )
    parser.add_argument(
        '--plain',
        metavar='CHECKPOINT',
        help='also show the same student trained alone, from this checkpoint',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='draw predictions with a score above this (default: 0.3)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='changes of the config; e.g. model.teacher_checkpoint=PATH',
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.attention.command import draw_attention
    from mmreviewkd.config_file import read_config

    cfg = read_config(args.config, args.cfg_options)
    page = draw_attention(
        *(cfg, args.checkpoint, args.images, args.out_dir),
        plain=args.plain,
        score_thr=args.score_thr,
    )
    print(page)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
