"""Draw what a distilled detector attends to.

``python tools/attention.py CONFIG CHECKPOINT IMAGES... --out-dir DIR`` writes a picture
for each image, with a column for each level: the energy of the teacher's and the
student's maps, and how much attention-based fusion takes of the level itself and of the
review.
"""

import argparse

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmengine.config import Config, DictAction
from mmreviewkd.attention.command import draw_attention
from mmreviewkd.launch import hide_package_warnings, run_script


def main() -> None:
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
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='changes of the config; e.g. model.teacher_checkpoint=PATH',
    )
    args = parser.parse_args()
    hide_package_warnings()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    page = draw_attention(
        *(cfg, args.checkpoint, args.images, args.out_dir),
        plain=args.plain,
        score_thr=args.score_thr,
    )
    print(page)


if __name__ == '__main__':
    run_script(main)
