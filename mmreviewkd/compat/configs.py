"""Configs of this package by name, such as ``mmreviewkd::small/reviewkd_frcnn.py``.

MMEngine looks for a package's configs in site-packages, where an editable install has
none, and wants a folder in each name. The configs of this package are found beside its
own source, wherever that is.
"""

import functools
from typing import Any

from mmengine import hub
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE

from ..files import configs_folder

NAME = __name__.split('.')[0]


def install() -> None:
    """Let MMEngine find this package's configs by name, in every kind of install."""
    MODULE2PACKAGE.setdefault(NAME, NAME)
    if hasattr(Config._get_cfg_path, '__wrapped__'):
        return
    Config._get_cfg_path = staticmethod(_for_bases(Config._get_cfg_path))
    hub.get_config = hub.hub.get_config = _for_get_config(hub.get_config)


def config_file(name: str) -> str:
    """Find the file of a config that is named.

    Args:
        name (str): Its name with the package, ``'mmreviewkd::FILE'`` or
            ``'mmreviewkd::FOLDER/FILE'``.

    Raises:
        FileNotFoundError: If there is no such config.
    """
    folder = configs_folder()
    path = folder / name.removeprefix(f'{NAME}::')
    if not path.is_file():
        there = sorted(
            str(other.relative_to(folder))
            for other in (path.parent if path.parent.is_dir() else folder).glob('*.py')
        )
        raise FileNotFoundError(
            f'mmreviewkd has no config {name}; beside it there are: {", ".join(there)}'
        )
    return str(path)


def _is_ours(name: str) -> bool:
    return name.startswith(f'{NAME}::')


def _for_bases(original: Any) -> Any:
    """Wrap what finds the files of ``_base_``."""

    @functools.wraps(original)
    def _get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if _is_ours(cfg_path):
            return config_file(cfg_path), NAME
        return original(cfg_path, filename)

    return _get_cfg_path


def _for_get_config(original: Any) -> Any:
    """Wrap ``mmengine.hub.get_config``."""

    @functools.wraps(original)
    def get_config(cfg_path: str, pretrained: bool = False) -> Config:
        if not _is_ours(cfg_path):
            return original(cfg_path, pretrained)
        if pretrained:
            raise ValueError(
                f'{cfg_path}: mmreviewkd has no trained weights; leave out `pretrained`'
            )
        return Config.fromfile(config_file(cfg_path))

    return get_config
