"""Changes to the configs, as ``--cfg-options`` takes them."""

import ast
import inspect
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmengine.config import Config, DictAction

from mmreviewkd.config_file import why_unread
from mmreviewkd.distillers import build_distilled_model

from .errors import JobError
from .settings import Detectors

DETECTORS = ('student', 'teacher')
RUNS = (*DETECTORS, 'distilled')
_OF_DISTILLATION = [
    name
    for name in inspect.signature(build_distilled_model).parameters
    # The student's own.
    if name not in ('backbone', 'data_preprocessor')
]


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


def models_of(
    detectors: Detectors, options: Mapping[str, Any]
) -> tuple[Detectors, dict[str, Any], dict[str, Any]]:
    """Take those options that name a whole model or its checkpoint out of the others.

    Args:
        detectors (Detectors): What else names them.
        options (Mapping[str, Any]): All options.

    Returns:
        tuple[Detectors, dict, dict]: The detectors, with
        ``model.teacher_checkpoint``; the models, ``'student'`` and ``'teacher'``, as
        far as they are given; and the other options.
    """
    rest = dict(options)
    models = {name: rest.pop(f'model.{name}', None) for name in DETECTORS}
    checkpoint = rest.pop('model.teacher_checkpoint', None)
    if checkpoint is not None:
        detectors = replace(detectors, teacher_checkpoint=checkpoint)
    return detectors, {name: one for name, one in models.items() if one}, rest


def options_for(name: str, cfg: Config, options: dict[str, Any]) -> dict[str, Any]:
    """Pick the options that concern a run, under the names of its own config.

    Options are named as in the config of the distilled run. ``model.student`` and
    ``model.teacher`` go to the detectors' own runs too, all that is outside of
    ``model`` goes to all runs. What begins with the name of a run, as in
    ``teacher.train_dataloader.batch_size``, goes to that run alone.

    Args:
        name (str): ``'teacher'``, ``'student'`` or ``'distilled'``.
        cfg (Config): Its config.
        options (dict): All options.

    Raises:
        JobError: If an option does not exist, is a variable, which nothing reads, or
            sets the seed.
    """
    own = {}
    for full, value in options.items():
        first, _, rest = full.partition('.')
        key, alone = full, first in RUNS
        if alone:
            key, (first, _, rest) = rest, rest.partition('.')
        why = why_unread(cfg, first)
        if why:
            raise JobError(f'--cfg-options {full}: {why}')
        if first == 'randomness' and (rest == 'seed' or 'seed' in _keys(value)):
            raise JobError(
                f'--cfg-options {full}: each run has its own seed; write --seeds'
            )
        if alone or first != 'model':
            if not alone or full.startswith(f'{name}.'):
                own[key] = value
            continue
        part, _, field = rest.partition('.')
        if part not in _OF_DISTILLATION:
            parts = ', '.join(f'model.{part}' for part in _OF_DISTILLATION)
            raise JobError(f'--cfg-options {full}: write one of {parts}')
        if name not in DETECTORS:
            own[key] = value
        elif part == name:
            own[f'model.{field}'] = value
    return own


def _keys(value: Any) -> Sequence[str]:
    return [*value] if isinstance(value, dict) else []


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
