import csv
import json

import pytest
from results_of import by_seed, result

from mmreviewkd.results.results import Results
from mmreviewkd.results.table import table, weak_teachers, write_tables


def results(kinds=('box',), quick=False, **runs):
    """A teacher of 50, a student alone of 30 and 40 AP, and methods."""
    runs = dict(teacher=by_seed(0.5), student=by_seed(0.3, 0.4)) | runs
    return Results(runs, kinds, one_teacher=True, quick=quick)


def tables(results):
    """The tables of the text: for each row, cells by column."""
    found = []
    for part in table(results).split('\n\n'):
        rows = [
            [cell.strip() for cell in line.strip('|').split('|')]
            for line in part.splitlines()
            if line.startswith('|')
        ]
        if rows:
            header = rows[0][1:]
            found.append(
                {r[0]: dict(zip(header, r[1:], strict=True)) for r in rows[2:]}
            )
    return found


def test_table():
    better = {
        0: result(0.35, seed=0, step=0.15),
        1: result(0.44, seed=1, step=0.13),
    }
    found = results(worse=by_seed(0.28, 0.38), better=better)
    rows, costs = tables(found)
    assert list(rows) == ['teacher', 'student alone', 'worse', 'better']
    # 35 and 44: mean 39.5, sample standard deviation 9 / sqrt(2) = 6.36; gains 5 and
    # 4: 4.5 ± 12.706 · 0.5; of 20 and 10: 9 / 30, with any ratio possible.
    assert rows['better'] == {
        'box AP': '39.5 ± 6.4',
        'box AP50': '79.0 ± 12.7',
        'box AP75': '19.8 ± 3.2',
        'box APs': '9.9 ± 1.6',
        'box APm': '39.5 ± 6.4',
        'box APl': '49.4 ± 8.0',
        'box gain': '+4.5 [-1.9, +10.9]',
        'vs. student alone': 'not clear',
        'box gap recovered': '30% (no interval)',
        'seeds': '2',
        'gain, seed by seed': '+5.0, +4.0',
    }
    assert costs['better'] == {
        'ms per step': '140 ± 14',
        'training time': '1:40 ± 0:00',
        'parameters': '1.50 M',
        'seeds': '2',
    }
    # As if rounded to 0.1: 12.706 · 0.04 / sqrt(2).
    assert rows['worse']['box gain'] == '-2.0 [-2.4, -1.6]'
    assert rows['worse']['vs. student alone'] == 'behind'
    assert rows['worse']['gain, seed by seed'] == '-2.0, -2.0'
    assert rows['student alone']['box gain'] == '-'
    assert rows['teacher']['box AP'] == '50.0' and rows['teacher']['seeds'] == '1'
    assert 'after the last epoch; no epoch was chosen by it' in table(found)
    assert 'Over 2 seeds (0, 1): mean' in table(found)
    assert 'All hold for this one teacher.' in table(found)
    assert 'Not finished' not in table(found) and 'Quick' not in table(found)


def test_one_seed():
    found = results(student=by_seed(0.3), a=by_seed(0.4))
    rows, _ = tables(found)
    assert 'gain, seed by seed' not in rows['a']
    assert rows['a']['box gain'] == '+10.0'
    assert rows['a']['vs. student alone'] == 'one seed, no interval'
    assert 'One seed (0): no interval, so no method is ahead.' in table(found)


def test_share_of_the_gap_with_its_interval():
    found = results(
        student=by_seed(0.30, 0.31, 0.29), a=by_seed(0.40, 0.42, 0.38), b=by_seed(0.4)
    )
    rows, _ = tables(found)
    # Gains 10, 11, 9: 10 ± 2.48; gaps 20, 19, 21.
    assert rows['a']['box gain'] == '+10.0 [+7.5, +12.5]'
    assert rows['a']['vs. student alone'] == 'ahead'
    share, rest = rows['a']['box gap recovered'].split(' ', 1)
    low, high = (float(end.strip('[]%')) for end in rest.split(', '))
    assert share == '50%' and 30 < low < 50 < high < 75
    assert rows['b']['box gap recovered'] == '50%'


def test_what_unlabelled_images_bring(tmp_path):
    found = results(
        student=by_seed(0.30, 0.31, 0.29),
        distilled=by_seed(0.40, 0.42, 0.38),
        distilled_unlabeled=by_seed(0.41, 0.44, 0.41),
        distilled_pseudo=by_seed(0.39, None, 0.39),
    )
    assert found.unlabeled == ['distilled_unlabeled', 'distilled_pseudo']
    rows = tables(found)[1]
    # Gains 1, 2, 3: 2 ± 4.303 · 1 / sqrt(3); and -1, 1: 0 ± 12.706 · sqrt(2) / sqrt(2).
    assert rows['distilled_unlabeled, box AP'] == {
        'gain over distilled': '+2.0 [-0.5, +4.5]',
        'vs. distilled': 'not clear',
        'seed by seed': '+1.0, +2.0, +3.0',
    }
    assert rows['distilled_pseudo, box AP']['gain over distilled'] == (
        '+0.0 [-12.7, +12.7]'
    )
    write_tables(found, tmp_path)
    data = json.loads((tmp_path / 'results.json').read_text())
    brought = data['summary']['distilled_unlabeled']['box gain over distilled']
    assert brought['values'] == [1.0, 2.0, 3.0] and brought['mean'] == 2.0
    with open(tmp_path / 'table.csv', newline='') as file:
        lines = {row['name']: row for row in csv.DictReader(file)}
    assert float(lines['distilled_unlabeled']['box gain over distilled low']) < 0
    assert lines['student']['box gain over distilled mean'] == ''


def test_without_unlabelled_images_nothing_is_said_of_them():
    assert 'over distilled' not in table(results(distilled=by_seed(0.4)))


def test_gap_that_may_be_noise_is_told():
    found = results(student=by_seed(0.30, 0.48, 0.48), a=by_seed(0.4, 0.4, 0.4))
    assert tables(found)[0]['a']['box gap recovered'] == '-'
    (text,) = weak_teachers(found)
    assert text in table(found)
    # Gaps 20, 2, 2: 8 ± 4.303 · 10.39 / sqrt(3).
    assert 'is not clear (95 %: -17.8 to +33.8)' in text


def test_second_opinion_where_it_differs():
    # Skewed: the t interval of nine gains of 1 and one of 30 holds 0.
    alone = by_seed(*[0.3] * 10)
    found = results(student=alone, a=by_seed(*[0.31] * 9, 0.6), b=by_seed(*[0.33] * 10))
    opinions = [line for line in table(found).splitlines() if 'disagrees' in line]
    assert len(opinions) == 1 and opinions[0].startswith('a, box: the bootstrap')


def test_other_validation_images_are_told_once():
    def run(ap, images):
        return {0: result(ap) | dict(resampled=dict(images=73, box=images))}

    found = results(
        student=run(0.3, [28, 30, 32]),
        a=run(0.31, [29, 31, 33]),
        b=run(0.3, [24, 30, 36]),
    )
    (line,) = [line for line in table(found).splitlines() if '73 images' in line]
    assert 'resampling the 73 images 3 times' in line
    assert 'box AP of the student alone [28.1, 31.9]' in line
    assert 'gain of b [-3.8, +3.8], the widest of all' in line


def with_classes(ap, *names, factor=1.0):
    by_class = {name: factor * number for number, name in enumerate(names)}
    return result(ap) | dict(class_ap=dict(box=by_class))


def test_classes(tmp_path):
    few = results(student={0: with_classes(0.3, 'cat', 'dog')}, a=by_seed(0.4))
    assert tables(few)[2]['dog'] == {'teacher': '-', 'student alone': '1.0', 'a': '-'}
    names = [f'class {number}' for number in range(80)]
    many = results(
        student={0: with_classes(0.3, *names)},
        a={0: with_classes(0.4, *names, factor=1.5)},
    )
    write_tables(many, tmp_path)
    assert len(tables(many)) == 2
    assert 'The AP of each of the 80 classes is in classes.md.' in table(many)
    lines = (tmp_path / 'classes.md').read_text().splitlines()
    assert len(lines) == 82
    assert [cell.strip() for cell in lines[-1].strip('|').split('|')] == [
        'class 79',
        '-',
        '79.0',
        '118.5 (+39.5)',
    ]


def test_costs_at_inference():
    run = result(0.4) | dict(gflops=0.661, latency_ms=20.04, input_size=[224, 168])
    found = results(a={0: run})
    row = tables(found)[1]['a']
    assert row['GFLOPs'] == '0.66' and row['latency (ms)'] == '20.0'
    assert '(224 x 168 pixels)' in table(found)
    assert 'GFLOPs' not in table(results(a=by_seed(0.4)))


def test_masks_have_a_table_of_their_own():
    found = results(
        kinds=('box', 'mask'),
        teacher={0: result(0.5, 0.4)},
        student={0: result(0.3, 0.2)},
        fitnet={0: result(0.4, 0.25)},
    )
    box, mask, _ = tables(found)
    assert box['fitnet']['box gain'] == '+10.0'
    assert box['fitnet']['box gap recovered'] == '50%'
    assert mask['fitnet']['mask AP'] == '25.0'
    assert mask['fitnet']['mask gap recovered'] == '25%'
    assert not any(column.startswith('box') for column in mask['fitnet'])


def test_detectors_of_masks_alone():
    """Such as SOLO: nothing is said of boxes."""
    run = result(0.0, 0.4)
    run['final'] = {k: ap for k, ap in run['final'].items() if 'segm' in k}
    found = results(kinds=('mask',), teacher={0: run}, student={0: run}, a={0: run})
    mask, _ = tables(found)
    assert mask['a']['mask AP'] == '40.0'
    assert 'box' not in table(found)
    assert found.best(1) == ['a']


def test_only_what_is_finished():
    found = results(fitnet=by_seed(0.35, None), review=by_seed(None, None))
    rows, _ = tables(found)
    assert rows['fitnet']['box gain'] == '+5.0'
    assert rows['review']['box AP'] == '-' and rows['review']['seeds'] == '0'
    assert 'Not finished: fitnet (seed 1), review (seed 0, 1).' in table(found)


def test_nothing_is_finished(tmp_path):
    none = by_seed(None)
    found = results(teacher=none, student=none, fitnet=none)
    write_tables(found, tmp_path)
    (rows,) = tables(found)
    assert {row['box AP'] for row in rows.values()} == {'-'}


def test_weak_teacher_that_is_given():
    """More epochs of the teacher would change nothing."""
    teacher = {0: result(0.3) | dict(checkpoint='teacher.pth')}
    (text,) = weak_teachers(results(teacher=teacher, student=by_seed(0.3)))
    assert 'train it on the data (--train-teacher)' in text
    assert '--teacher-epochs' not in text


def test_weak_teacher_is_told_in_place_of_the_gap():
    found = results(teacher=by_seed(0.015), student=by_seed(0.006), a=by_seed(0.02))
    assert tables(found)[0]['a']['box gap recovered'] == '-'
    (text,) = weak_teachers(found)
    assert text in table(found)
    assert 'not better than the student alone by at least 1 point of box AP' in text
    assert '(1.5 and 0.6 with seed 0)' in text
    assert weak_teachers(results(a=by_seed(0.4))) == []


def test_memory_of_a_gpu():
    assert 'memory' not in table(results())
    _, rows = tables(results(fitnet=by_seed(0.4, memory=2_500_000_000)))
    assert rows['fitnet']['GPU memory (MB)'] == '2500'
    assert rows['teacher']['GPU memory (MB)'] == '-'


def test_quick_is_marked():
    assert 'Quick run: numbers mean nothing' in table(results(quick=True))


def test_quick_teacher_is_not_called_weak():
    weak = results(teacher=by_seed(0.01), quick=True)
    assert weak_teachers(weak) == []
    assert 'train it longer' not in table(weak)


def test_csv(tmp_path):
    write_tables(results(fitnet=by_seed(0.35, None)), tmp_path)
    with open(tmp_path / 'table.csv', newline='') as file:
        rows = {row['name']: row for row in csv.DictReader(file)}
    assert list(rows) == ['teacher', 'student', 'fitnet']
    student = rows['student']
    assert student['seeds'] == '2'
    assert float(student['box AP mean']) == pytest.approx(35)
    assert float(student['box AP std']) == pytest.approx(7.0711)
    assert float(student['box AP seed 1']) == pytest.approx(40)
    fitnet = rows['fitnet']
    assert float(fitnet['box gain mean']) == pytest.approx(5)
    assert fitnet['box gain low'] == '' and 'box AP low' not in fitnet
    assert fitnet['box gain std'] == fitnet['box gain seed 1'] == ''
    assert float(fitnet['box gap recovered seed 0']) == pytest.approx(0.25)
    assert float(fitnet['ms per step mean']) == pytest.approx(100)


def test_other_files(tmp_path):
    found = results(a=by_seed(0.35, 0.45))
    write_tables(found, tmp_path)
    assert (tmp_path / 'table.md').read_text() == table(found)
    assert json.loads((tmp_path / 'results.json').read_text())['quick'] is False
    # Nothing is known of the classes.
    assert not (tmp_path / 'classes.md').exists()
