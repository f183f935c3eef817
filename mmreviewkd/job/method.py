"""A way of learning from the teacher, as a file names it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdet.utils import ConfigType
from mmengine.config import Config
from mmengine.hub import get_config

from .errors import JobError


@dataclass(frozen=True)
class Method:
    """What ``model.distillation`` is with this method.

    Args:
        name (str): Its name: that of the file, without ``.py``.
        distillation (dict | list[dict]): Config of its distillation, or of several.
        imports (Sequence[str]): Modules to import that register its classes.
            Defaults to ().
    """

    name: str
    distillation: ConfigType | list[ConfigType]
    imports: Sequence[str] = ()


def read_methods(files: Sequence[str | Path]) -> list[Method]:
    """Read files with a variable ``method``, and ``custom_imports`` where needed.

    Args:
        files (Sequence[str | Path]): Paths, or names in a package such as
            ``'mmreviewkd::methods/review.py'``.

    Returns:
        list[Method]: The methods, in the same order.

    Raises:
        JobError: If a file is missing, wrong, or named as another run is.
    """
    methods: dict[str, Method] = {}
    for file in map(str, files):
        method = _read_method(file)
        if method.name in ('teacher', 'student', *methods):
            raise JobError(
                f'the method {file} cannot be named {method.name}, as another run is; '
                'give the file another name'
            )
        methods[method.name] = method
    return list(methods.values())


def _read_method(file: str) -> Method:
    try:
        cfg = get_config(file) if '::' in file else Config.fromfile(file)
    except (ImportError, OSError, SyntaxError) as error:
        raise JobError(f'the method {file} cannot be read: {error}') from error
    if 'method' not in cfg:
        raise JobError(
            f'{file} has no variable `method`, the dict that becomes model.distillation'
        )
    content = cfg.to_dict()
    distillation = content['method']
    if isinstance(distillation, dict):
        # For configs that inherit the file.
        distillation.pop('_delete_', None)
    imports = content.get('custom_imports', {}).get('imports', [])
    imports = [imports] if isinstance(imports, str) else imports
    return Method(Path(file).stem, distillation, imports)
