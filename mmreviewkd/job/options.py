"""Changes to the configs, as ``--cfg-options`` takes them."""

import ast
import inspect
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from .errors import JobError

DETECTORS = ('student', 'teacher')
MODEL_PARTS = (*DETECTORS, 'distillation')
MODEL_FIELDS = ('inherit', 'levels', 'frozen', 'non_finite')


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` as MMEngine does, and dicts as Python writes them.

    MMEngine's own reading of the command line knows no dicts.

    Args:
        texts (Sequence[str]): Such as ``'train_dataloader.batch_size=8'`` or
            ``"custom_hooks=[dict(type='EarlyStoppingHook', monitor='...')]"``.

    Raises:
        JobError: If a value cannot be read.
    """
    options: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition('=')
        if not equals:
            raise JobError(f'--cfg-options {text}: write KEY=VALUE')
        if 'dict(' in value or value.lstrip('[( ').startswith('{'):
            options[key] = _parse_python(key, value)
        else:
            options |= _parse_as_mmengine(text)
    return options


def options_for(name: str, cfg: Config, options: dict[str, Any]) -> dict[str, Any]:
    """Pick the options that concern a run, under the names of its own config.

    Args:
        name (str): ``'teacher'``, ``'student'`` or ``'distilled'``.
        cfg (Config): Its config.
        options (dict): All options, named as in the config of the distilled run.

    Raises:
        JobError: If an option does not exist.
    """
    own = {}
    known = {*cfg, *inspect.signature(Runner).parameters}
    for key, value in options.items():
        first, _, rest = key.partition('.')
        if first not in known or first == 'cfg':
            raise JobError(f'--cfg-options {key}: no config has the field {first}')
        if first != 'model':
            own[key] = value
            continue
        part, _, field = rest.partition('.')
        if rest not in MODEL_FIELDS and (part not in MODEL_PARTS or not field):
            parts = [f'model.{part}.…' for part in MODEL_PARTS]
            parts += [f'model.{field}' for field in MODEL_FIELDS]
            raise JobError(f'--cfg-options {key}: write one of {", ".join(parts)}')
        if name not in DETECTORS:
            own[key] = value
        elif part == name:
            own[f'model.{field}'] = value
    return own


class _Dicts(ast.NodeTransformer):
    """Turns ``dict(key=value)`` into ``{'key': value}``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        names = [keyword.arg for keyword in node.keywords]
        is_dict = isinstance(node.func, ast.Name) and node.func.id == 'dict'
        if not is_dict or node.args or None in names:
            return node
        values = [keyword.value for keyword in node.keywords]
        return ast.Dict([ast.Constant(name) for name in names], values)


def _parse_python(key: str, value: str) -> Any:
    try:
        return ast.literal_eval(_Dicts().visit(ast.parse(value.strip(), mode='eval')))
    except (SyntaxError, ValueError):
        raise JobError(
            f'--cfg-options {key}: cannot read {value}; write dicts as in Python, '
            "texts in quotes: [dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP')]"
        ) from None


def _parse_as_mmengine(text: str) -> dict[str, Any]:
    parsed = Namespace()
    try:
        DictAction(['--cfg-options'], 'options')(None, parsed, [text])
    except (AssertionError, RecursionError) as error:
        raise JobError(f'--cfg-options {text}: cannot be read: {error}') from None
    return parsed.options
