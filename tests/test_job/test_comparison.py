import csv

import pytest
from mmengine.config import Config

from mmreviewkd.files import write_json
from mmreviewkd.job.comparison import Comparison, read_comparison
from mmreviewkd.job.plan import Run


def result(box, mask=None, step=0.1, memory=0, **more):
    metrics = {
        f'coco/bbox_mAP{end}': box / share
        for end, share in (
            *(('', 1), ('_50', 0.5), ('_75', 2)),
            *(('_s', 4), ('_m', 1), ('_l', 0.8)),
        )
    }
    if mask is not None:
        metrics |= {
            key.replace('bbox', 'segm'): value * mask / box
            for key, value in metrics.items()
        }
    return dict(final=metrics | more, step_seconds=step, peak_memory=memory)


def comparison(**methods):
    """A teacher of 50, a student alone of 30 and 40 AP, and methods."""
    results = dict(
        teacher={0: result(0.5)}, student={0: result(0.3), 1: result(0.4)}, **methods
    )
    return Comparison(results, has_masks=False)


def tables(text):
    """The tables of a Markdown text: for each row, cells by column."""
    found = []
    for part in text.split('\n\n'):
        rows = [
            [cell.strip() for cell in line.strip('|').split('|')]
            for line in part.splitlines()
            if line.startswith('|')
        ]
        if rows:
            header = rows[0][1:]
            found.append(
                {row[0]: dict(zip(header, row[1:], strict=True)) for row in rows[2:]}
            )
    return found


def test_table():
    (table,) = tables(
        comparison(
            worse={0: result(0.28), 1: result(0.38)},
            better={0: result(0.35, step=0.15), 1: result(0.44, step=0.13)},
        ).table()
    )
    assert list(table) == ['teacher', 'student alone', 'worse', 'better']
    # 35 and 44: mean 39.5, sample standard deviation 9 / sqrt(2) = 6.36; gains 5 and
    # 4 of 20 and 10: 25 % and 40 %.
    assert table['better'] == {
        'box AP': '39.5 ± 6.4',
        'box AP50': '79.0 ± 12.7',
        'box AP75': '19.8 ± 3.2',
        'box APs': '9.9 ± 1.6',
        'box APm': '39.5 ± 6.4',
        'box APl': '49.4 ± 8.0',
        'box gain': '+4.5 ± 0.7',
        'box gap recovered': '32% ± 11%',
        'ms per step': '140 ± 14',
        'gain, seed by seed': '+5.0, +4.0',
        'seeds': '2',
    }
    assert table['worse']['box gain'] == '-2.0 ± 0.0'
    assert table['worse']['gain, seed by seed'] == '-2.0, -2.0'
    assert table['student alone']['box AP'] == '35.0 ± 7.1'
    assert table['student alone']['box gain'] == '-'
    # There is one teacher for all seeds.
    assert table['teacher']['box AP'] == '50.0'
    assert table['teacher']['seeds'] == '1'


def test_masks_have_a_table_of_their_own():
    results = dict(
        teacher={0: result(0.5, 0.4)},
        student={0: result(0.3, 0.2)},
        fitnet={0: result(0.4, 0.25)},
    )
    box, mask = tables(Comparison(results, has_masks=True).table())
    assert box['fitnet']['box gain'] == '+10.0'
    assert box['fitnet']['box gap recovered'] == '50%'
    assert mask['fitnet']['mask AP'] == '25.0'
    assert mask['fitnet']['mask gain'] == '+5.0'
    assert mask['fitnet']['mask gap recovered'] == '25%'
    assert not any(column.startswith('box') for column in mask['fitnet'])


def test_only_what_is_finished():
    report = comparison(
        fitnet={0: result(0.35), 1: None}, review={0: None, 1: None}
    )  # fmt: skip
    (table,) = tables(report.table())
    assert table['fitnet']['gain, seed by seed'] == '+5.0'
    assert table['fitnet']['seeds'] == '1'
    assert table['review']['box AP'] == '-' and table['review']['seeds'] == '0'
    assert 'Not finished: fitnet (seed 1), review (seed 0, 1).' in report.table()
    assert 'Not finished' not in comparison().table()


def test_nothing_is_finished():
    results = dict(teacher={0: None}, student={0: None}, fitnet={0: None})
    (table,) = tables(Comparison(results, has_masks=False).table())
    assert {row['box AP'] for row in table.values()} == {'-'}


def test_gain_is_over_the_same_seed():
    results = dict(
        teacher={0: result(0.5)},
        student={0: result(0.3), 1: None, 2: result(0.4)},
        fitnet={0: None, 1: result(0.35), 2: result(0.45)},
    )
    row = Comparison(results, has_masks=False).numbers()['fitnet']
    assert row['box gain']['values'] == pytest.approx([5])
    assert row['box AP']['values'] == pytest.approx([35, 45])


def test_no_gap_where_the_teacher_is_not_better():
    (table,) = tables(
        Comparison(
            dict(
                teacher={0: result(0.35)},
                student={0: result(0.3), 1: result(0.35)},
                fitnet={0: result(0.4), 1: result(0.4)},
            ),
            has_masks=False,
        ).table()
    )
    assert table['fitnet']['box gap recovered'] == '-'
    assert table['fitnet']['gain, seed by seed'] == '+10.0, +5.0'


def test_sizes_without_objects_have_no_ap():
    (table,) = tables(
        comparison(fitnet={0: result(0.4, **{'coco/bbox_mAP_s': -1.0})}).table()
    )
    assert table['fitnet']['box APs'] == '-'


def test_memory_of_a_gpu():
    assert 'memory' not in comparison().table()
    (table,) = tables(comparison(fitnet={0: result(0.4, memory=2_500_000_000)}).table())
    assert table['fitnet']['GPU memory (MB)'] == '2500'
    assert table['teacher']['GPU memory (MB)'] == '-'


def test_csv(tmp_path):
    comparison(fitnet={0: result(0.35), 1: None}).write(tmp_path)
    with open(tmp_path / 'comparison.csv', newline='') as file:
        rows = {row['method']: row for row in csv.DictReader(file)}
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
    assert (tmp_path / 'comparison.md').read_text().startswith('| ')


def test_results_are_read_from_the_runs(tmp_path):
    runs = []
    for name, seed in (('teacher', 0), ('student', 0), ('b', 0), ('b', 3), ('a', 0)):
        cfg = Config(dict(randomness=dict(seed=seed)))
        runs.append(Run(name, tmp_path / f'seed_{seed}' / name, cfg))
    for run in runs[:3]:
        write_json(run.folder / 'result.json', result(0.25))
    report = read_comparison(runs, has_masks=False)
    # In the order of the runs.
    assert report.methods == ['b', 'a']
    assert report.values('b')['box AP'] == {0: 25.0}
    assert not report.values('a')['box AP']
