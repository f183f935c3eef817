"""Configs in MMEngine's new style: Python files that import what ``type`` names."""

from pathlib import Path

import mmdet.registry
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import Registry

from mmreviewkd.distillers import build_distilled_model
from mmreviewkd.model_config import is_distilled

register_all_modules(init_default_scope=False)
REGISTRIES = [
    one
    for one in vars(mmdet.registry).values()
    if isinstance(one, Registry) and one.scope == 'mmdet'
]
# MMDetection's own new-style configs name these by strings, too.
BY_NAME = ('norm_cfg', 'conv_cfg', 'act_cfg', 'nms')


def write_new_style(cfg: Config, folder: Path) -> Path:
    """Write a config as two files, the second of which reads the first.

    Args:
        cfg (Config): A config whose types are strings.
        folder (Path): Where to write to.

    Returns:
        Path: The second file.
    """
    fields = cfg.to_dict()
    model = dict(model=fields.pop('model'))
    (folder / 'base.py').write_text(_source(fields))
    path = folder / 'new_style.py'
    path.write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n    from .base import *\n' + _source(model)
    )
    return path


def _source(fields: dict) -> str:
    imports: set[tuple[str, str]] = set()
    lines = [f'{name} = {_write(value, imports)}' for name, value in fields.items()]
    names = [f'from {module} import {name}' for module, name in sorted(imports)]
    return '\n'.join([*names, *lines, ''])


def _write(value, imports, key=''):
    if isinstance(value, dict):
        parts = [
            f'{name!r}: '
            + (
                _write_type(value, imports)
                if name == 'type' and key not in BY_NAME
                else _write(part, imports, name)
            )
            for name, part in value.items()
        ]
        return f'dict(**{{{", ".join(parts)}}})'
    if isinstance(value, list | tuple):
        parts = [_write(part, imports, key) for part in value]
        text = f'[{", ".join(parts)}]'
        return f'tuple({text})' if isinstance(value, tuple) else text
    return repr(value)


def _write_type(config, imports):
    name = config['type']
    found = build_distilled_model if is_distilled(config) else None
    for registry in REGISTRIES:
        found = found or registry.get(name)
    if found is None:
        return repr(name)
    imports.add((found.__module__, found.__name__))
    return found.__name__
