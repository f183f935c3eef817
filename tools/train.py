"""Train a detector or distil one: ``python tools/train.py CONFIG``."""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a detector or distil one')
    parser.add_argument('config', help='config file')
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
    parser.add_argument('--amp', action='store_true', help='mixed precision, on a GPU')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the batch of all processes, times '
        "optim_wrapper.accumulative_counts (the config's auto_scale_lr)",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from this checkpoint; without a path, from the last one in the '
        'work dir',
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    import torch
    from mmengine.dist import is_main_process

    from mmreviewkd.distillers import NonFiniteError
    from mmreviewkd.errors import UsageError
    from mmreviewkd.files import clear_unfinished
    from mmreviewkd.hooks import EvaluatedImagesHook
    from mmreviewkd.hooks.signals import stop_listening
    from mmreviewkd.launch import hold_work_dir, load_config, log_versions
    from mmreviewkd.resume import CheckpointPlace, find_checkpoint
    from mmreviewkd.runner import Runner

    if args.amp and not torch.cuda.is_available():
        raise UsageError('--amp needs a GPU; leave it out to train in float32')
    cfg = load_config(args)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise UsageError(
                f'--auto-scale-lr needs auto_scale_lr.base_batch_size in {args.config}'
            )
        cfg.auto_scale_lr.enable = True
    checkpoint = args.resume
    if checkpoint == 'auto' or (cfg.get('resume') and not cfg.get('load_from')):
        # Nothing to go on from is no error: so one command starts and restarts a run.
        checkpoint = find_checkpoint(cfg)
    if checkpoint:
        cfg.update(resume=True, load_from=checkpoint)
    runner = Runner.from_cfg(cfg)
    if is_main_process():
        held = hold_work_dir(runner.work_dir)  # noqa: F841  until the process ends
        for path in clear_unfinished(Path(CheckpointPlace.of_config(cfg).folder)):
            runner.logger.info(f'removed {path}, which was not finished')
    runner.register_hook(EvaluatedImagesHook())
    log_versions()
    try:
        runner.train()
    except NonFiniteError:
        # The weights are those before the step: worth looking at, and to resume from.
        runner.save_checkpoint(
            runner.work_dir,
            f'non_finite_iter_{runner.iter}.pth',
            # By itself MMEngine takes the epoch to be over.
            meta=dict(epoch=runner.epoch, iter=runner.iter),
            by_epoch=False,
        )
        raise
    finally:
        stop_listening()


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
