"""Test a detector, distilled or plain: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
from copy import deepcopy

import matplotlib
import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmdet.engine.hooks.utils import trigger_visualization_hook
from mmdet.evaluation import DumpDetResults
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmreviewkd.hooks import StrictLoadHook
from mmreviewkd.launch import add_common_flags, load_config, run_script


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a detector')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    add_common_flags(parser)
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


def main() -> None:
    args = parse_args()
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
    runner.register_hook(StrictLoadHook(args.checkpoint))
    runner.test()


if __name__ == '__main__':
    run_script(main)
