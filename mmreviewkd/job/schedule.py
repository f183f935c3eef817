"""Fitting a config's schedule to another number of epochs."""

import math
from typing import Any

from mmengine.config import Config, ConfigDict

from mmreviewkd.type_names import type_name

_WARM_UP = 5
"""A warm-up that is counted in steps takes a fifth of the run at most."""
_POINTS = ('begin', 'end', 'milestones')
_LENGTHS = ('T_max', 'step_size', 'total_steps', 'periods')
_START = 1 / 3
"""With which share of the rate LinearLR and ConstantLR begin by default."""


def set_epochs(cfg: Config, epochs: int | None, steps: int) -> None:
    """Fit learning rate, evaluations and changes of pipeline, in proportion.

    A warm-up that is counted in steps keeps its length, up to a fifth of the run.

    Args:
        cfg (Config): Config of a training, which is changed. One that counts
            iterations is made to count epochs. If one that counts epochs has a
            learning rate that counts steps alone, the rate's end is taken for that of
            the training.
        epochs (int, optional): Epochs of the training. None: as many as configured.
        steps (int): Steps of an epoch.
    """
    schedulers = cfg.get('param_scheduler') or []
    if isinstance(schedulers, dict):
        schedulers = [schedulers]
    iters = cfg.train_cfg.get('max_iters')
    if iters:
        _count_epochs(cfg, math.ceil(iters / steps))
    before = cfg.train_cfg.max_epochs
    old_steps = iters or _end_of(schedulers) or before * steps
    # The last epoch may have more steps than are left of the iterations.
    new_steps = iters if iters and not epochs else (epochs or before) * steps
    epochs = epochs or before
    factor = epochs / before
    _fit_loop(cfg.train_cfg, factor, epochs)
    warm_ups = _fit_warm_ups(schedulers, max(1, epochs * steps // _WARM_UP))
    fitted = []
    for scheduler in schedulers:
        scheduler = scheduler.copy()
        if scheduler.get('by_epoch', True):
            _scale(scheduler, factor, steps)
        elif _warms_up(scheduler):
            scheduler.end = warm_ups[scheduler.end]
        else:
            _scale_steps(scheduler, new_steps / old_steps, warm_ups)
        # What is left of a short one may be nothing.
        if scheduler.get('end') is None or scheduler.get('begin', 0) < scheduler.end:
            fitted.append(scheduler)
    cfg.param_scheduler = fitted
    for hook in cfg.get('custom_hooks') or []:
        if isinstance(hook, dict):
            _fit_hook(hook, factor, new_steps / old_steps)


def _count_epochs(cfg: Config, epochs: int) -> None:
    """Make a config that counts iterations count epochs."""
    cfg.train_cfg = ConfigDict(type='EpochBasedTrainLoop', max_epochs=epochs)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.log_processor = dict(cfg.get('log_processor') or {}, by_epoch=True)


def _fit_loop(loop: ConfigDict, factor: float, epochs: int) -> None:
    loop.max_epochs = epochs
    loop.val_interval = max(1, min(loop.get('val_interval', 1), epochs))
    if loop.get('val_begin'):
        loop.val_begin = max(1, round(factor * loop.val_begin))
    if loop.get('dynamic_intervals'):
        loop.dynamic_intervals = [
            (max(1, round(factor * begin)), interval)
            for begin, interval in loop.dynamic_intervals
        ]


def _fit_hook(hook: ConfigDict, factor: float, steps_factor: float) -> None:
    for key in ('switch_epoch', 'num_last_epochs', 'begin_epoch'):
        if hook.get(key):
            hook[key] = max(1, round(factor * hook[key]))
    if hook.get('begin_iter'):
        hook.begin_iter = max(1, round(steps_factor * hook.begin_iter))
    if type_name(hook) == 'DistillScheduleHook' and hook.get('by_epoch', True):
        for key in ('warmup', 'fade', 'end'):
            if hook.get(key):
                hook[key] = factor * hook[key]


def _warms_up(scheduler: ConfigDict) -> bool:
    """Tell whether a scheduler is a warm-up that is counted in steps."""
    if scheduler.get('by_epoch', True) or scheduler.get('begin', 0):
        return False
    if scheduler.get('end') is None:
        return False
    kind = type_name(scheduler)
    # They exist for learning rate, momentum and any other parameter.
    if kind.startswith('Linear'):
        return scheduler.get('start_factor', _START) < scheduler.get('end_factor', 1)
    if kind.startswith('Constant'):
        return scheduler.get('factor', _START) < 1
    return kind.startswith('QuadraticWarmup')


def _fit_warm_ups(schedulers: list[ConfigDict], longest: int) -> dict[int, int]:
    """Map the ends of warm-ups that are counted in steps to their new ones."""
    ends = [one.end for one in schedulers if _warms_up(one)]
    return {end: min(end, longest) for end in ends}


def _end_of(schedulers: list[ConfigDict]) -> int | None:
    """The step at which all is over; None where not all is counted in steps."""
    main = [one for one in schedulers if not _warms_up(one)]
    if any(one.get('by_epoch', True) or one.get('end') is None for one in main):
        return None
    return max((one.end for one in main), default=None)


def _scale(scheduler: ConfigDict, factor: float, steps: int) -> None:
    """Scale a scheduler that counts epochs."""
    times = [*(scheduler.get('milestones') or ()), scheduler.get('step_size') or 0]
    if any(factor * time % 1 for time in times):
        # They fall within epochs: count steps.
        scheduler.by_epoch = False
        scheduler.pop('convert_to_iter_based', None)
        factor *= steps
    _map_all(scheduler, factor)


def _scale_steps(
    scheduler: ConfigDict, factor: float, warm_ups: dict[int, int]
) -> None:
    """Scale a scheduler that counts steps; it may follow a warm-up."""
    begin, end = scheduler.get('begin', 0), scheduler.get('end')
    whole = [key for key in _LENGTHS if scheduler.get(key) == (end or 0) - begin]
    _map_all(scheduler, factor)
    if begin in warm_ups:
        scheduler.begin = warm_ups[begin]
    for key in whole:
        scheduler[key] = max(1, scheduler.end - scheduler.get('begin', 0))


def _map_all(scheduler: ConfigDict, factor: float) -> None:
    if factor == 1:
        return
    for key in _POINTS:
        if scheduler.get(key) is not None:
            scheduler[key] = _map(scheduler[key], factor)
    for key in _LENGTHS:
        value = scheduler.get(key)
        if isinstance(value, list | tuple):
            scheduler[key] = [max(1, round(factor * one)) for one in value]
        elif value is not None:
            scheduler[key] = max(1, round(factor * value))


def _map(value: Any, factor: float) -> Any:
    if isinstance(value, list | tuple):
        points = [max(1, round(factor * point)) for point in value]
        return list(dict.fromkeys(points))
    return round(factor * value)
