"""Config files, with the changes of a command line."""

import inspect
import logging
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.hub import get_config
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from .errors import UsageError

RUN_FIELDS = frozenset(inspect.signature(Runner).parameters) - {'cfg'} | {
    # Read out of the whole config, not as arguments.
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
}
"""Fields of a config that MMEngine's runner, or a tool, reads."""


def config_by_name(name: str | Path) -> Config:
    """Read a config by its path, or by its name in a package.

    Args:
        name (str | Path): Such as ``'my_run.py'`` or ``'mmdet::ssd/ssd300_coco.py'``.

    Raises:
        FileNotFoundError: If there is no such file.
        UsageError: If it is no config.
    """
    name = str(name)
    with _errors_of(name):
        return get_config(name) if '::' in name else Config.fromfile(name)


def read_written_config(path: str | Path, import_custom_modules: bool = True) -> Config:
    """Read a config that MMEngine has written; braces in it are those of texts.

    Args:
        path (str | Path): The file.
        import_custom_modules (bool): Whether its ``custom_imports`` are imported.
            Defaults to True.

    Raises:
        FileNotFoundError: If there is no such file.
        UsageError: If it is no config, as where it had values that MMEngine does not
            write as Python, such as ``float('inf')``.
    """
    with _errors_of(str(path)):
        return Config.fromfile(
            path,
            use_predefined_variables=False,
            use_environment_variables=False,
            import_custom_modules=import_custom_modules,
        )


@contextmanager
def _errors_of(name: str) -> Iterator[None]:
    try:
        yield
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
        UsageError: If it is no config, or a change cannot be read or made, or is one
            of a field that nothing reads.
    """
    cfg = config_by_name(path)
    for option in options:
        _change(cfg, option)
    if options and cfg.get('custom_imports'):
        # MMEngine has imported those of the file alone.
        import_modules_from_strings(**cfg.custom_imports)
    return cfg


def why_unread(cfg: Config, field: str) -> str:
    """Tell why nothing would read a field of a config, or '' where something does.

    Args:
        cfg (Config): The config.
        field (str): A field at its top, such as ``'train_cfg'``.
    """
    if field in RUN_FIELDS:
        return ''
    if field in cfg:
        return (
            f'{field} is a variable of the config, and what is made from it keeps its '
            'former value; set the fields themselves, such as '
            'train_dataloader.dataset.data_root for data_root'
        )
    near = get_close_matches(field, [*cfg, *RUN_FIELDS], n=3)
    return f'no config has the field {field}' + (
        f'; near it are {", ".join(near)}' if near else ''
    )


def _change(cfg: Config, option: str) -> None:
    key, equals, value = option.partition('=')
    if not equals:
        raise UsageError(f'--cfg-options {option}: write KEY=VALUE')
    field = key.partition('.')[0]
    why = why_unread(cfg, field)
    if why and field not in cfg:
        raise UsageError(f'--cfg-options {key}: {why}')
    if why:
        print_log(f'--cfg-options {key}: {why}', 'current', logging.WARNING)
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
