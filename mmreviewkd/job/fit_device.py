"""Fitting a config to the device: precision, batch, workers."""

import os
from typing import Any

from mmengine.config import Config

from mmreviewkd.type_names import type_name

from .errors import JobError
from .settings import Training

RTMDET_BATCH = 256
"""Images in a step that the learning rate of RTMDet's configs is for."""
_SYNC_BN = ('SyncBN', 'SyncBatchNorm')
"""Its name in mmcv, and that of PyTorch's class."""


def set_device(cfg: Config, training: Training, on_gpu: bool) -> None:
    """Set precision, batch size and workers.

    Args:
        cfg (Config): Config of a training, which is changed.
        training (Training): What is asked for.
        on_gpu (bool): Whether the job runs on a GPU.

    Raises:
        JobError: If mixed precision is asked for without a GPU.
    """
    _set_precision(cfg, training.amp, on_gpu)
    if isinstance(training.batch, int):
        cfg.train_dataloader.batch_size = training.batch
    _follow_batch(cfg)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg[name]
        workers = training.workers
        if workers is None:
            workers = min(loader.get('num_workers', 0), cores() - 1)
        loader.update(num_workers=workers, persistent_workers=workers > 0)
        if not workers:
            loader.pop('prefetch_factor', None)
    if not on_gpu:
        # It is BN there, but for several processes, which it cannot join.
        _replace_sync_bn(cfg.model)


def mend_base_batch(cfg: Config) -> bool:
    """Correct the number of images that RTMDet's learning rate is for.

    Its configs inherit a ``base_batch_size`` of 16 from their base, while their rate of
    0.004 is for 8 processes with 32 images.

    Args:
        cfg (Config): Config of a training, which is changed.

    Returns:
        bool: Whether it was wrong.
    """
    detector = cfg.model.get('student', cfg.model)
    scale: dict = cfg.get('auto_scale_lr') or {}
    _, rate = batch_and_rate(cfg)
    found = (type_name(detector), rate, scale.get('base_batch_size'))
    if found != ('RTMDet', 0.004, 16):
        return False
    scale['base_batch_size'] = RTMDET_BATCH
    return True


def batch_and_rate(cfg: Config) -> tuple[int | None, Any]:
    """Give batch size and learning rate as a config has them."""
    optimizer = cfg.optim_wrapper.get('optimizer') or {}
    return cfg.train_dataloader.get('batch_size'), optimizer.get('lr')


def keeps_rate(cfg: Config, batch: int | None, rate: Any) -> bool:
    """Tell whether the learning rate is still that of another batch size.

    Args:
        cfg (Config): Config of a training.
        batch (int, optional): Batch size that it had.
        rate (Any): Learning rate that it had.
    """
    follows: dict = cfg.get('auto_scale_lr') or {}
    new_batch, new_rate = batch_and_rate(cfg)
    return new_batch != batch and new_rate == rate and not follows.get('enable')


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def set_patience(cfg: Config, patience: int, monitor: str) -> None:
    """End a run whose AP has not risen for some epochs.

    Args:
        cfg (Config): Config of a training, which is changed.
        patience (int): Number of epochs; there is an evaluation after each.
        monitor (str): Name of the AP.
    """
    cfg.train_cfg.val_interval = 1
    cfg.custom_hooks = [
        *(cfg.get('custom_hooks') or []),
        dict(
            type='EarlyStoppingHook', monitor=monitor, rule='greater', patience=patience
        ),
    ]


def _set_precision(cfg: Config, amp: bool | None, on_gpu: bool) -> None:
    if amp and not on_gpu:
        raise JobError('--amp needs a GPU; leave it out to train in float32')
    wrapper = cfg.optim_wrapper
    kind = type_name(wrapper) if 'type' in wrapper else 'OptimWrapper'
    if on_gpu and amp is not False:
        if kind == 'OptimWrapper':
            wrapper.type = 'AmpOptimWrapper'
            wrapper.setdefault('loss_scale', 'dynamic')
    elif kind == 'AmpOptimWrapper':
        wrapper.type = 'OptimWrapper'
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            wrapper.pop(key, None)


def _follow_batch(cfg: Config) -> None:
    """Scale the learning rate, where the config says for which batch it is."""
    scale: dict = cfg.get('auto_scale_lr') or {}
    if scale.get('base_batch_size'):
        scale['enable'] = True


def _replace_sync_bn(value: Any) -> None:
    if isinstance(value, dict):
        if type_name(value) in _SYNC_BN:
            value['type'] = 'BN'
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            _replace_sync_bn(part)
