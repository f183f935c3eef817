from mmreviewkd.report.differences import (
    MISSING,
    describe_changes,
    differences,
    with_student_as_model,
)


def test_fields_that_differ():
    configs = [
        dict(lr=1, same=[1, 2], deep=dict(a=1, steps=[3, 4]), hooks=[1]),
        dict(lr=2, same=[1, 2], deep=dict(a=1, steps=[3, 5]), hooks=[1, 2]),
    ]
    assert differences(configs) == [
        ('lr', [1, 2]),
        ('deep.steps.1', [4, 5]),
        ('hooks', [[1], [1, 2]]),
    ]


def test_what_others_lack_is_one_field():
    assert differences([dict(a=dict(b=1, c=2)), dict()]) == [
        ('a', [dict(b=1, c=2), MISSING])
    ]
    assert differences([dict(a=None), dict()]) == [('a', [None, MISSING])]


def test_student_is_compared_with_a_plain_model():
    plain = dict(model=dict(type='RetinaNet', depth=18))
    distilled = dict(
        model=dict(
            type='DistilledDetector',
            student=dict(type='RetinaNet', depth=18),
            teacher='mmdet::x.py',
        )
    )
    configs = [with_student_as_model(config) for config in (plain, distilled)]
    assert differences(configs) == [('model.teacher', [MISSING, 'mmdet::x.py'])]


def test_one_config_differs_in_nothing():
    assert differences([dict(a=1)]) == []


def test_changes_are_lines():
    before = dict(lr=0.1, name='a\n', steps=list(range(99)))
    now = dict(lr=0.2, name='b', hooks=[])
    lines = describe_changes(before, now).splitlines()
    assert lines[0] == '  lr: 0.1 -> 0.2'
    assert lines[1] == r'  name: a\n -> b'
    # Cut, since nobody reads the rest.
    assert lines[2].startswith('  steps: [0, 1, 2') and lines[2].endswith('… -> unset')
    assert lines[3] == '  hooks: unset -> []'
    assert describe_changes(now, now) == ''
