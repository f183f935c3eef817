"""Hooks that a config switches off."""

from mmengine.config import Config

# Only of these, which it has by itself, does MMEngine take None for "off".
_MMENGINES_OWN = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)


def drop_hooks_that_are_off(cfg: Config) -> None:
    """Let ``default_hooks.NAME=None`` switch off any hook.

    Args:
        cfg (Config): A run's config, which is changed.
    """
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None]:
        if name not in _MMENGINES_OWN:
            del hooks[name]
