"""Types of configs by name, where new-style configs have the class itself."""

from importlib import import_module
from typing import Any

import mmengine.registry
from mmengine.registry import DefaultScope, Registry

_ROOTS = [one for one in vars(mmengine.registry).values() if isinstance(one, Registry)]


def type_name(config: dict) -> str:
    """Name the ``type`` of a config, whether it is a name or a class.

    >>> type_name(dict(type='mmdet.FasterRCNN')), type_name(dict(type=dict))
    ('FasterRCNN', 'dict')
    """
    kind = config.get('type')
    return getattr(kind, '__name__', str(kind)).rsplit('.', 1)[-1]


def by_name(config: Any, scope: str | None = None) -> Any:
    """Copy a config with the registered name for each ``type``.

    MMEngine's new-style configs have classes, or their full paths once they are
    written to a file. Such a path is not always found again: that of L1Loss leads
    through the module ``smooth_l1_loss``, which a function of this name hides.

    Args:
        config (Any): A config, or a part of one.
        scope (str, optional): The registry that knows the types, unless a part has
            ``_scope_``. Defaults to None: the scope of the run, or else ``'mmdet'``.

    Returns:
        Any: The copy. A type without a registered name stays as it is.
    """
    if isinstance(config, dict):
        scope = config.get('_scope_') or scope
        copied = {key: by_name(value, scope) for key, value in config.items()}
        if 'type' in copied:
            copied['type'] = _registered(copied['type'], scope)
        return type(config)(copied)
    if isinstance(config, list | tuple):
        return type(config)(by_name(part, scope) for part in config)
    return config


def _registered(kind: Any, scope: str | None) -> Any:
    found = _imported(kind) if isinstance(kind, str) else kind
    name = getattr(found, '__name__', None)
    if name is None:
        return kind
    current = DefaultScope.get_current_instance()
    scope = scope or (current.scope_name if current else 'mmdet')
    registries = [root.children.get(scope, root) for root in _ROOTS]
    for registry in registries:
        if registry.get(name) is found:
            return name
    # Some have another name than their class, such as 'Pretrained' and 'SyncBN'.
    for registry in [*registries, *_ROOTS]:
        for other, registered in registry.module_dict.items():
            if registered is found:
                return other
    return kind


def _imported(path: str) -> Any:
    """Import what a full path such as 'torch.optim.SGD' names; None for other names."""
    module, _, name = path.rpartition('.')
    try:
        return getattr(import_module(module), name, None) if module else None
    except ImportError:
        return None
