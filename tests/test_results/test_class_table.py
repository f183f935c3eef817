import pytest
from results_of import by_seed, result

from mmreviewkd.results.class_table import class_table
from mmreviewkd.results.results import Results


def run(seed, cat, dog):
    aps = dict(box={'cat': cat, 'dog|': dog})
    return result(cat / 100, seed=seed) | dict(class_ap=aps)


@pytest.fixture
def results():
    return Results(
        dict(
            teacher={0: run(0, 50.0, 60.0)},
            student={0: run(0, 30.0, None), 1: run(1, 32.0, None)},
            one={0: run(0, 33.0, None)},
            two={0: run(0, 33.0, 5.0), 1: run(1, 37.0, 5.0)},
            unfinished={0: None},
        ),
        one_teacher=True,
    )


def test_gains_by_class(results):
    lines = class_table(results).splitlines()
    cells = [
        [cell.strip() for cell in line.replace(r'\|', '/').strip('|').split('|')]
        for line in lines
    ]
    assert cells[0] == ['box AP by class', 'teacher', 'student alone', 'one', 'two']
    # Gains 3 and 5: 4 ± 12.706.
    assert cells[2] == [
        'cat',
        '50.0',
        '31.0',
        '33.0 (+3.0)',
        '35.0 (+4.0 [-8.7, +16.7])',
    ]
    # Without objects in some runs.
    assert cells[3] == ['dog/', '60.0', '-', '-', '5.0']
    assert len(cells) == 4


def test_one_class_has_no_table_of_its_own():
    one = result(0.3) | dict(class_ap=dict(box={'cat': 30.0}))
    runs = dict(teacher={0: one}, student={0: one}, a={0: one})
    assert class_table(Results(runs)) == ''


def test_nothing_is_known():
    runs = dict(teacher=by_seed(0.5), student=by_seed(0.3), a=by_seed(0.4))
    assert class_table(Results(runs, kinds=('box', 'mask'))) == ''
