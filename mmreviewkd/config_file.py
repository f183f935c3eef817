"""Config files, with the changes of a command line."""

from argparse import Namespace
from collections.abc import Sequence

from mmengine.config import Config, DictAction
from mmengine.hub import get_config

from .errors import UsageError


def load_config(name: str) -> Config:
    """Read a config by its path, or by its name in a package.

    Args:
        name (str): Such as ``'my_config.py'`` or ``'mmdet::ssd/ssd300_coco.py'``.

    Raises:
        FileNotFoundError: If there is no such file.
        UsageError: If it is no config.
    """
    try:
        return get_config(name) if '::' in name else Config.fromfile(name)
    except OSError:
        raise  # these name the file
    except Exception as error:  # a config is Python, which can fail in any way
        raise UsageError(
            f'{name} cannot be read as a config: {type(error).__name__}: {error}'
        ) from error


def read_config(path: str, options: Sequence[str] = ()) -> Config:
    """Read a config, and change it.

    Args:
        path (str): The file.
        options (Sequence[str]): Changes, each ``key=value`` as MMEngine's
            ``DictAction`` takes them. Defaults to ().

    Raises:
        FileNotFoundError: If there is no such file.
        UsageError: If it is no config, or a change cannot be read or made.
    """
    cfg = load_config(path)
    for option in options:
        _change(cfg, option)
    return cfg


def _change(cfg: Config, option: str) -> None:
    key, equals, value = option.partition('=')
    if not equals:
        raise UsageError(f'--cfg-options {option}: write KEY=VALUE')
    parsed = Namespace()
    try:
        # It takes dicts for texts.
        readable = 'dict(' not in value and '{' not in value
        DictAction(['--cfg-options'], 'options')(None, parsed, [option])
    except (AssertionError, RecursionError):
        readable = False
    if not readable:
        raise UsageError(
            f'--cfg-options {option}: the value cannot be read. Write numbers, names '
            'and lists of them, [a,b]; a dict goes by its fields, '
            f'{key}.FIELD=VALUE, or into a config file.'
        )
    try:
        cfg.merge_from_dict(parsed.options)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f'--cfg-options {option}: does not fit the config: {error}'
        ) from error
