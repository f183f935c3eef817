"""Test a detector, distilled or plain: ``python tools/test.py CONFIG CHECKPOINT``."""

from __future__ import annotations

import argparse
from copy import deepcopy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a detector')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir', help='folder for all that is written (work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='changes of the config; e.g. train_dataloader.batch_size=4',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    # Launchers of former times pass it instead of setting the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    parser.add_argument('--out', help='write the predictions to this .pkl file')
    parser.add_argument('--show', action='store_true', help='show the predictions')
    parser.add_argument(
        '--show-dir', help='folder for pictures, in the run of the work dir'
    )
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds for each picture'
    )
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    args = parser.parse_args()
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(f'--out writes a pickle file: give it .pkl, not {args.out}')
    return args


def add_tta(cfg: Config) -> None:
    """Test on each image and its mirror image, unless the config says otherwise."""
    from mmengine.config import ConfigDict

    cfg.setdefault(
        'tta_model',
        dict(
            type='DetTTAModel',
            tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
        ),
    )
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    if 'tta_pipeline' not in cfg:
        meta = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
        flips = [dict(type='RandomFlip', prob=prob) for prob in (1.0, 0.0)]
        pack = dict(type='PackDetInputs', meta_keys=(*meta, 'flip', 'flip_direction'))
        cfg.tta_pipeline = [
            *deepcopy(dataset.pipeline[:-1]),
            dict(type='TestTimeAug', transforms=[flips, [pack]]),
        ]
    dataset.pipeline = cfg.tta_pipeline
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)


def main(args: argparse.Namespace) -> None:
    import matplotlib

    from mmreviewkd.hooks import EvaluatedImagesHook, StrictLoadHook
    from mmreviewkd.launch import load_config

    # After this package, which stands in for mmcv's compiled operators.
    from mmdet.engine.hooks.utils import trigger_visualization_hook
    from mmdet.evaluation import DumpDetResults
    from mmengine.runner import Runner

    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    if args.show or args.show_dir:
        cfg = trigger_visualization_hook(cfg, args)
        # Dollar signs in names of classes are what they are.
        matplotlib.rcParams['text.parse_math'] = False
    if args.tta:
        add_tta(cfg)
    runner = Runner.from_cfg(cfg)
    if args.out:
        runner.test_evaluator.metrics.append(DumpDetResults(out_file_path=args.out))
    runner.register_hook(EvaluatedImagesHook())
    runner.register_hook(StrictLoadHook(args.checkpoint))
    runner.test()


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
