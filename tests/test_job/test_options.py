import pytest

from mmreviewkd.job import JobError
from mmreviewkd.job.options import parse_options

STOPPING = dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP', patience=2)


@pytest.mark.parametrize(
    'text, value',
    [
        ('3', 3),
        ('0.5', 0.5),
        ('true', True),
        ('adam', 'adam'),
        ('[1,2]', [1, 2]),
        ('(8,16)', (8, 16)),
        ('[(a,b),c]', [('a', 'b'), 'c']),
        # A comma within brackets of a dict sends MMEngine's own parser round for ever.
        (
            "[dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP', patience=2)]",
            [STOPPING],
        ),
        ('dict(type="A", d=dict(b=[(2, -3)]))', dict(type='A', d=dict(b=[(2, -3)]))),
        ("{'type': 'A', 'on': True}", dict(type='A', on=True)),
        ("[{'a': 1}, {'b': None}]", [dict(a=1), dict(b=None)]),
    ],
)  # fmt: skip
def test_values(text, value):
    assert parse_options([f'x.y={text}', 'z=1']) == {'x.y': value, 'z': 1}


@pytest.mark.parametrize(
    'text, message',
    [
        ('x', 'x: write KEY=VALUE'),
        ('x=[dict(type=EarlyStoppingHook, patience=2)]', 'texts in quotes'),
        ('x=dict(type=', 'texts in quotes'),
        ('x=dict(1)', 'texts in quotes'),
        ('x=dict(a=open("file"))', 'texts in quotes'),
        ('x=[1,2', 'cannot be read'),
        ('x=f(a,b)', 'cannot be read'),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(JobError, match=message):
        parse_options([text])
