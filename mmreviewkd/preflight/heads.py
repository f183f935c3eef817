"""The number of classes of the heads."""

from collections.abc import Iterator, Sequence

from mmengine.config import ConfigDict

from mmreviewkd.model_config import is_distilled, resolve_model_config, teacher_configs
from mmreviewkd.names import counted

from .findings import Findings


def check_heads(
    model: ConfigDict, classes: Sequence[str] | None, found: Findings
) -> None:
    """Compare the number of classes of all heads with that of the data.

    Args:
        model (ConfigDict): The model, distilled or plain.
        classes (Sequence[str], optional): Classes of the training's data set.
        found (Findings): Gets a problem for each head of the student that does not
            fit, and a note for each of the teacher.
    """
    models = {'the model': model}
    if is_distilled(model):
        teachers = teacher_configs(model)
        one = len(teachers) == 1
        models = {'the student': model.get('student')} | {
            'the teacher' if one else f'teacher {number}': teacher
            for number, teacher in enumerate(teachers)
        }
    for who, config in models.items():
        try:
            numbers = dict(_class_numbers(resolve_model_config(config)))
        except Exception as error:  # a config can be wrong in any way
            found.problem(f'the config of {who} cannot be read: {error}')
            continue
        for head, number in numbers.items():
            if classes is None or number == len(classes):
                continue
            own = counted(number, 'class', 'classes')
            text = f'{who} has {own} in {head}, the data {len(classes)}'
            if 'teacher' in who:
                found.note(f'{text}; fine unless scores of classes are compared')
            else:
                found.problem(f'{text}; set num_classes={len(classes)} there')


def _class_numbers(model: ConfigDict, prefix: str = '') -> Iterator[tuple[str, int]]:
    for name in ('bbox_head', 'mask_head', 'roi_head'):
        heads = model.get(name) or []
        for index, head in enumerate([heads] if isinstance(heads, dict) else heads):
            place = f'{prefix}{name}' + (
                f'[{index}]' if isinstance(heads, list) else ''
            )
            if 'num_classes' in head:
                yield place, head['num_classes']
            yield from _class_numbers(head, f'{place}.')
