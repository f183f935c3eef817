"""Reading configs by the names that users and configs give them."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from mmengine.config import Config

from mmreviewkd.config_file import config_by_name
from mmreviewkd.errors import UsageError
from mmreviewkd.files import configs_folder
from mmreviewkd.type_names import by_name

from .errors import JobError

_PLACES = ('', 'pairs', 'small')


def read_config(name: str, flag: str) -> Config:
    """Read a config file; one of the new style with names in the place of classes.

    Args:
        name (str): Its path, or a name in a package such as ``'mmdet::ssd/ssd300.py'``.
        flag (str): What names it, for errors.

    Raises:
        JobError: If it is missing or cannot be read.
    """
    if '::' not in name and not Path(name).is_file():
        raise JobError(f'{flag}: there is no config file {name}')
    try:
        return _with_names(config_by_name(name))
    except FileNotFoundError as error:
        near = ', '.join(_near_in_package(name, str(error)))
        why = f'there is no such config; near it are {near}' if near else error
        raise JobError(f'{flag}: {name} cannot be read: {why}') from error
    except UsageError as error:
        raise JobError(f'{flag}: {error}') from error


def _with_names(cfg: Config) -> Config:
    scope = cfg.get('default_scope')
    # With full paths of the classes, and without the imports, of the new style.
    fields = cfg.to_dict()
    # They have none, since classes need none.
    if scope is None:
        fields.pop('default_scope', None)
    return Config(by_name(fields, scope))


def _near_in_package(name: str, error: str) -> list[str]:
    """Names of a package's configs that are like one that is not there."""
    package, _, wanted = name.partition('::')
    # MMEngine's message has the path in quotes. A base may be missing too.
    missing = Path(error.partition('"')[2].partition('"')[0])
    root = next((one for one in missing.parents if one.name == 'configs'), None)
    if root is None or missing != root / wanted:
        return []
    known = [path.relative_to(root).as_posix() for path in root.rglob('*.py')]
    return [f'{package}::{one}' for one in get_close_matches(wanted, known, n=3)]


def find_pair(name: str) -> str:
    """Find the config of a pair.

    Args:
        name (str): The name of a published pair, with or without ``.py``, a path, or
            a name in a package.

    Returns:
        str: Its path, or the name in a package.

    Raises:
        JobError: If there is none; the message names the nearest.
    """
    if '::' in name or Path(name).is_file():
        return name
    configs = configs_folder()
    for place in _PLACES:
        path = configs / place / f'{name.removesuffix(".py")}.py'
        if path.is_file():
            return str(path)
    known = published_pairs(configs)
    near = get_close_matches(Path(name).stem, known, n=3) or known
    raise JobError(
        f'--pair: there is no pair {name}, neither of this project nor as a file; '
        f'for example: {", ".join(near)}'
    )


def published_pairs(configs: Path) -> Sequence[str]:
    """List the names of the published pairs."""
    return sorted(
        path.stem
        for place in _PLACES
        for path in (configs / place).glob('reviewkd_*.py')
    )


def beside(name: str, file: str, field: str) -> str:
    """Find a config that another config names.

    Args:
        name (str): As it is named there: a name in a package, or a path relative to
            the file that names it or to the current folder.
        file (str): The config that names it.
        field (str): The field that does, for errors.

    Raises:
        JobError: If it is in neither place.
    """
    if '::' in name or Path(name).is_absolute():
        return name
    for path in (Path(file).resolve().parent / name, Path(name)):
        if path.is_file():
            return str(path.resolve())
    raise JobError(
        f'{file}: {field} names {name}, which is neither beside it nor in the current '
        'folder'
    )
