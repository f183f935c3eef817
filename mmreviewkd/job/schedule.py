"""Fitting a config's schedule to another number of epochs."""

import math
from typing import Any

from mmengine.config import Config, ConfigDict

from mmreviewkd.type_names import type_name

_WARM_UP = 5
"""A warm-up that is counted in steps takes a fifth of the run at most."""
_POINTS = ('begin', 'end', 'T_max', 'milestones')


def set_epochs(cfg: Config, epochs: int | None, steps: int) -> None:
    """Fit learning rate, evaluations and changes of pipeline, in proportion.

    Args:
        cfg (Config): Config of a training, which is changed. One that counts
            iterations is made to count epochs.
        epochs (int, optional): Epochs of the training. None: as many as configured.
        steps (int): Steps of an epoch.
    """
    before = _epochs_of(cfg, steps)
    epochs = epochs or math.ceil(before)
    factor = epochs / before
    loop = cfg.train_cfg
    loop.max_epochs = epochs
    loop.val_interval = max(1, min(loop.get('val_interval', 1), epochs))
    if loop.get('dynamic_intervals'):
        loop.dynamic_intervals = [
            (max(1, round(factor * begin)), interval)
            for begin, interval in loop.dynamic_intervals
        ]
    schedulers = cfg.get('param_scheduler') or []
    listed = [schedulers] if isinstance(schedulers, dict) else schedulers
    cfg.param_scheduler = _scaled(listed, factor, epochs, steps)
    for hook in cfg.get('custom_hooks') or []:
        if not isinstance(hook, dict):
            continue
        for key in ('switch_epoch', 'num_last_epochs'):
            if key in hook:
                hook[key] = max(1, round(factor * hook[key])) if hook[key] else 0
        if type_name(hook) == 'DistillScheduleHook' and hook.get('by_epoch', True):
            for key in ('warmup', 'fade', 'end'):
                if hook.get(key):
                    hook[key] = factor * hook[key]


def _epochs_of(cfg: Config, steps: int) -> float:
    loop = cfg.train_cfg
    if 'max_iters' not in loop:
        return loop.max_epochs
    iters = loop.max_iters
    cfg.train_cfg = ConfigDict(
        type='EpochBasedTrainLoop', max_epochs=max(1, math.ceil(iters / steps))
    )
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.log_processor = dict(cfg.get('log_processor') or {}, by_epoch=True)
    for scheduler in cfg.get('param_scheduler') or []:
        # Its points are those of the whole training.
        if scheduler.get('by_epoch') is False and 'milestones' in scheduler:
            scheduler.update(by_epoch=True, convert_to_iter_based=True)
            for key in _POINTS:
                if scheduler.get(key) is not None:
                    scheduler[key] = _map(scheduler[key], 1 / steps)
    return cfg.train_cfg.max_epochs


def _scaled(schedulers: list, factor: float, epochs: int, steps: int) -> list:
    """Scale the points in epochs, and cut warm-ups in steps that are too long."""
    fitted, cut = [], {}
    longest = max(1, epochs * steps // _WARM_UP)
    for scheduler in schedulers:
        scheduler = scheduler.copy()
        if scheduler.get('by_epoch', True):
            if factor != 1:
                _scale(scheduler, factor, steps)
        else:
            begin, end = scheduler.get('begin', 0), scheduler.get('end')
            if begin == 0 and end is not None and end > longest:
                cut[end] = scheduler.end = longest
            elif begin in cut:
                scheduler.begin = cut[begin]
        # What is left of a short one may be nothing.
        if scheduler.get('end') is None or scheduler.get('begin', 0) < scheduler.end:
            fitted.append(scheduler)
    return fitted


def _scale(scheduler: ConfigDict, factor: float, steps: int) -> None:
    """Scale the points of a scheduler that counts epochs."""
    if any(factor * point % 1 for point in scheduler.get('milestones') or ()):
        # They fall within epochs: count steps.
        scheduler.by_epoch = False
        factor *= steps
    for key in _POINTS:
        if scheduler.get(key) is not None:
            scheduler[key] = _map(scheduler[key], factor)
    if scheduler.get('T_max') is not None:
        scheduler.T_max = max(1, scheduler.T_max)


def _map(value: Any, factor: float) -> Any:
    if isinstance(value, list | tuple):
        points = [max(1, round(factor * point)) for point in value]
        return list(dict.fromkeys(points))
    return round(factor * value)
