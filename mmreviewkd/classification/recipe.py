"""What several seeds at once follow of a config's recipe, and what they refuse."""

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.config import Config

from mmreviewkd.errors import UsageError
from mmreviewkd.hooks import DistillScheduleHook
from mmreviewkd.type_names import type_name

_SCHEDULE = 'DistillScheduleHook'
# They do not change what is learned, or train_seeds has its own way of it.
_HOOKS = (
    'CheckpointHook',
    'DistSamplerSeedHook',
    'ExactResumeHook',
    'FrozenTeacherHook',
    'IterTimerHook',
    'LoggerHook',
    'ParamSchedulerHook',
    'PreemptionHook',
    'RuntimeInfoHook',
    _SCHEDULE,
)
_OF_SCHEDULER = ('type', 'milestones', 'gamma', 'by_epoch', 'convert_to_iter_based')


def check_recipe(cfg: Config) -> None:
    """Refuse a config with fields that several seeds at once would not follow.

    Args:
        cfg (Config): Config of a training.

    Raises:
        UsageError: If there are any; it names them.
    """
    if not cfg.train_cfg.get('max_epochs'):
        raise UsageError('several seeds at once need train_cfg.max_epochs')
    fields = list(_not_followed(cfg))
    if fields:
        raise UsageError(
            f'several seeds at once do not follow {", ".join(fields)}; take that out, '
            'or take tools/train.py'
        )


def milestones(cfg: Config, epoch_steps: int) -> tuple[list[int], float]:
    """Read when the learning rate falls, and the factor by which it does.

    Args:
        cfg (Config): Config of a training, with one ``MultiStepLR`` or none.
        epoch_steps (int): Steps of an epoch.

    Returns:
        tuple[list[int], float]: The steps, and the factor.

    Raises:
        UsageError: If it has other schedulers.
    """
    schedulers = _schedulers(cfg)
    if not schedulers:
        return [], 1.0
    if len(schedulers) > 1 or type_name(schedulers[0]) != 'MultiStepLR':
        raise UsageError(
            'param_scheduler has to be one MultiStepLR for several seeds at once; take '
            'tools/train.py for others'
        )
    (one,) = schedulers
    unit = epoch_steps if one.get('by_epoch', True) else 1
    return [unit * number for number in one['milestones']], one.get('gamma', 0.1)


def strength(cfg: Config, epoch_steps: int) -> Callable[[int], float]:
    """Read how strong the distillation is.

    Args:
        cfg (Config): Config of a training.
        epoch_steps (int): Steps of an epoch.

    Returns:
        Callable[[int], float]: Its factor at a step, counted from 0.
    """
    for hook in _hooks(cfg):
        if type_name(hook) == _SCHEDULE:
            own = {k: v for k, v in hook.items() if k not in ('type', 'priority')}
            schedule = DistillScheduleHook(**own)
            unit = epoch_steps if own.get('by_epoch', True) else 1
            return lambda step: schedule.strength(step / unit)
    return lambda _: 1.0


def _not_followed(cfg: Config) -> Iterator[str]:
    wrapper = cfg.optim_wrapper
    if wrapper.get('type') and type_name(wrapper) != 'OptimWrapper':
        yield f'optim_wrapper.type={type_name(wrapper)}'
    if wrapper.get('clip_grad'):
        yield 'optim_wrapper.clip_grad'
    if wrapper.get('accumulative_counts', 1) != 1:
        yield 'optim_wrapper.accumulative_counts'
    for one in _schedulers(cfg):
        for key in one:
            if type_name(one) == 'MultiStepLR' and key not in _OF_SCHEDULER:
                yield f'param_scheduler.{key}'
    if (cfg.get('auto_scale_lr') or {}).get('enable'):
        yield 'auto_scale_lr'
    if cfg.get('load_from'):
        yield 'load_from'
    loader = cfg.train_dataloader
    sampler = loader.get('sampler') or dict(type='DefaultSampler')
    if type_name(sampler) != 'DefaultSampler' or not sampler.get('shuffle', True):
        yield 'train_dataloader.sampler'
    if loader.get('batch_sampler'):
        yield 'train_dataloader.batch_sampler'
    for hook in _hooks(cfg):
        if type_name(hook) not in _HOOKS:
            yield f'the hook {type_name(hook)}'


def _schedulers(cfg: Config) -> list[Any]:
    schedulers = cfg.get('param_scheduler') or []
    return [schedulers] if isinstance(schedulers, dict) else list(schedulers)


def _hooks(cfg: Config) -> list[Any]:
    """List the configs of all hooks that are on."""
    hooks = [
        *(cfg.get('default_hooks') or {}).values(),
        *(cfg.get('custom_hooks') or ()),
    ]
    return [hook for hook in hooks if hook]
