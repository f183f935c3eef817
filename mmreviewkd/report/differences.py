"""In what the configs of several runs differ."""

from collections.abc import Iterator, Sequence
from typing import Any

from mmreviewkd.names import printable

MISSING = object()
"""Stands for a field that a config does not have."""

_LONG = 100


def differences(configs: Sequence[dict]) -> list[tuple[str, list[Any]]]:
    """Find the fields in which configs differ.

    Args:
        configs (Sequence[dict]): Whole configs.

    Returns:
        list[tuple[str, list]]: Each field's name, dotted, and its value in each
        config, :data:`MISSING` where it has none. A dict or list that others lack
        altogether is one field.
    """
    return list(_differ('', list(configs)))


def describe_changes(before: dict, now: dict) -> str:
    """Write what changed in a config, a line for each field.

    Args:
        before (dict): The whole former config.
        now (dict): The whole present one.

    Returns:
        str: Lines such as ``  optim_wrapper.optimizer.lr: 0.1 -> 0.2``, cut where a
        value is too long to be read. Empty where nothing changed.
    """
    return '\n'.join(
        f'  {name}: {_written(old)} -> {_written(new)}'
        for name, (old, new) in differences([before, now])
    )


def with_student_as_model(config: dict) -> dict:
    """Put a distilled model's student where a plain training has its model.

    So the two can be compared. Other configs are returned as they are.
    """
    model = config.get('model', {})
    student = model.get('student')
    if not isinstance(student, dict):
        return config
    rest = {
        key: value for key, value in model.items() if key not in ('student', 'type')
    }
    return {**config, 'model': {**student, **rest}}


def _differ(name: str, values: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, dict) for value in values):
        keys = list(dict.fromkeys(key for value in values for key in value))
    elif (
        all(isinstance(value, list | tuple) for value in values)
        and len({len(value) for value in values}) == 1
    ):
        keys = list(range(len(values[0])))
        values = [dict(enumerate(value)) for value in values]
    else:
        yield name, values
        return
    for key in keys:
        inner = [value.get(key, MISSING) for value in values]
        yield from _differ(f'{name}.{key}'.lstrip('.'), inner)


def _written(value: Any) -> str:
    if value is MISSING:
        return 'unset'
    text = printable(value if isinstance(value, str) else repr(value))
    return text if len(text) <= _LONG else f'{text[: _LONG - 1]}…'
