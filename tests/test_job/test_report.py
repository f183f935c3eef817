import csv
import json

import pytest
from results_of import by_seed, result

from mmreviewkd.job.report import table, weak_teachers, write_report
from mmreviewkd.job.results import Results


def results(has_masks=False, quick=False, **runs):
    """A teacher of 50, a student alone of 30 and 40 AP, and methods."""
    runs = dict(teacher=by_seed(0.5), student=by_seed(0.3, 0.4)) | runs
    return Results(runs, has_masks, one_teacher=True, quick=quick)


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
    (rows,) = tables(found)
    assert list(rows) == ['teacher', 'student alone', 'worse', 'better']
    # 35 and 44: mean 39.5, sample standard deviation 9 / sqrt(2) = 6.36; gains 5 and
    # 4 of 20 and 10: 25 % and 40 %.
    assert rows['better'] == {
        'box AP': '39.5 ± 6.4',
        'box AP50': '79.0 ± 12.7',
        'box AP75': '19.8 ± 3.2',
        'box APs': '9.9 ± 1.6',
        'box APm': '39.5 ± 6.4',
        'box APl': '49.4 ± 8.0',
        'box gain': '+4.5 ± 0.7',
        'box gap recovered': '32% ± 11%',
        'ms per step': '140 ± 14',
        'training time': '1:40 ± 0:00',
        'parameters': '1.50 M',
        'seeds': '2',
        'gain, seed by seed': '+5.0, +4.0',
    }
    assert rows['worse']['box gain'] == '-2.0 ± 0.0'
    assert rows['worse']['gain, seed by seed'] == '-2.0, -2.0'
    assert rows['student alone']['box gain'] == '-'
    assert rows['teacher']['box AP'] == '50.0' and rows['teacher']['seeds'] == '1'
    assert 'after the last epoch; no epoch was\nchosen by it' in table(found)
    assert 'over the seeds 0, 1.' in table(found)
    assert 'Not finished' not in table(found) and 'Quick' not in table(found)


def test_one_seed():
    found = results(student=by_seed(0.3), a=by_seed(0.4))
    (rows,) = tables(found)
    assert 'gain, seed by seed' not in rows['a']
    assert 'One seed (0): nothing is known of the spread.' in table(found)


def test_masks_have_a_table_of_their_own():
    found = results(
        has_masks=True,
        teacher={0: result(0.5, 0.4)},
        student={0: result(0.3, 0.2)},
        fitnet={0: result(0.4, 0.25)},
    )
    box, mask = tables(found)
    assert box['fitnet']['box gain'] == '+10.0'
    assert box['fitnet']['box gap recovered'] == '50%'
    assert mask['fitnet']['mask AP'] == '25.0'
    assert mask['fitnet']['mask gap recovered'] == '25%'
    assert not any(column.startswith('box') for column in mask['fitnet'])


def test_only_what_is_finished():
    found = results(fitnet=by_seed(0.35, None), review=by_seed(None, None))
    (rows,) = tables(found)
    assert rows['fitnet']['box gain'] == '+5.0'
    assert rows['review']['box AP'] == '-' and rows['review']['seeds'] == '0'
    assert 'Not finished: fitnet (seed 1), review (seed 0, 1).' in table(found)


def test_nothing_is_finished(tmp_path):
    none = by_seed(None)
    found = results(teacher=none, student=none, fitnet=none)
    write_report(found, tmp_path)
    (rows,) = tables(found)
    assert {row['box AP'] for row in rows.values()} == {'-'}


def test_weak_teacher_is_told_in_place_of_the_gap():
    found = results(teacher=by_seed(0.015), student=by_seed(0.006), a=by_seed(0.02))
    assert tables(found)[0]['a']['box gap recovered'] == '-'
    (text,) = weak_teachers(found)
    assert text in table(found)
    assert 'not better than the student alone by at least 1 box AP' in text
    assert '(1.5 and 0.6 with seed 0)' in text
    assert weak_teachers(results(a=by_seed(0.4))) == []


def test_memory_of_a_gpu():
    assert 'memory' not in table(results())
    (rows,) = tables(results(fitnet=by_seed(0.4, memory=2_500_000_000)))
    assert rows['fitnet']['GPU memory (MB)'] == '2500'
    assert rows['teacher']['GPU memory (MB)'] == '-'


def test_quick_is_marked():
    assert 'Quick run: numbers mean nothing' in table(results(quick=True))


def test_csv(tmp_path):
    write_report(results(fitnet=by_seed(0.35, None)), tmp_path)
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
    assert fitnet['box gain std'] == fitnet['box gain seed 1'] == ''
    assert float(fitnet['box gap recovered seed 0']) == pytest.approx(0.25)
    assert float(fitnet['ms per step mean']) == pytest.approx(100)


def test_other_files(tmp_path):
    found = results(a=by_seed(0.35, 0.45))
    write_report(found, tmp_path)
    assert (tmp_path / 'table.md').read_text() == table(found)
    stored = json.loads((tmp_path / 'report.json').read_text())
    assert stored['quick'] is False
    assert stored['rows']['teacher']['box AP']['mean'] == 50.0
    assert {seed: list(runs) for seed, runs in stored['seeds'].items()} == {
        '0': ['teacher', 'student', 'a'],
        '1': ['student', 'a'],
    }
