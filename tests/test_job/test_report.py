import json

import pytest

from mmreviewkd.job.report import Report, read_results


def result(name, seed, box, mask=None, parameters=1_500_000, seconds=100.0):
    metrics = {'coco/bbox_mAP': box, 'coco/bbox_mAP_50': 0.5, 'coco/bbox_mAP_75': 0.25}
    if mask is not None:
        metrics |= {key.replace('bbox', 'segm'): mask for key in metrics}
    return dict(
        run=name,
        seed=seed,
        parameters=parameters,
        training_seconds=seconds,
        evaluation_seconds=10.0,
        epochs=[dict(epoch=2, metrics=metrics)],
        final=metrics,
    )


def seed_results(seed, teacher, student, distilled, **others):
    runs = dict(teacher=teacher, student=student, distilled=distilled, **others)
    return {name: result(name, seed, *ap) for name, ap in runs.items()}


def cells(table):
    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in table.splitlines()
        if line.startswith('|')
    ]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def test_one_seed():
    runs = seed_results(0, (0.5, 0.4), (0.3, 0.2), (0.35, 0.3))
    table = Report({0: runs}, has_masks=True).table()
    rows = cells(table)
    assert list(rows) == ['teacher', 'student', 'distilled']
    assert rows['distilled'] == {
        'box AP': '35.0',
        'box AP50': '50.0',
        'box AP75': '25.0',
        'mask AP': '30.0',
        'mask AP50': '30.0',
        'mask AP75': '30.0',
        # (35 - 30) / (50 - 30) and (30 - 20) / (40 - 20)
        'box gap recovered': '25%',
        'mask gap recovered': '50%',
        'parameters': '1.50 M',
        'training time': '1:40',
    }
    assert rows['teacher']['box gap recovered'] == '-'
    assert 'after the last epoch; no epoch was\nchosen by it' in table
    assert 'One seed (0)' in table
    assert 'Quick' not in table


def test_spread_over_seeds():
    results = {
        1: seed_results(1, (0.5,), (0.3,), (0.35,)),
        4: seed_results(4, (0.5,), (0.3,), (0.45,)),
    }
    report = Report(results, has_masks=False)
    row = cells(report.table())['distilled']
    # Mean of 35 and 45; the sample standard deviation is 10 / sqrt(2).
    assert row['box AP'] == '40.0 ± 7.1'
    # 25 % and 75 %: 50 / sqrt(2) is 35.4.
    assert row['box gap recovered'] == '50% ± 35%'
    assert row['parameters'] == '1.50 M'
    assert not any(column.startswith('mask') for column in row)
    assert report.numbers()['distilled']['box AP']['values'] == pytest.approx([35, 45])
    assert 'over the seeds 1, 4' in report.table()


@pytest.mark.parametrize('teacher', [0.3, 0.29])
def test_no_gap(teacher):
    results = {
        0: seed_results(0, (0.5,), (0.3,), (0.4,)),
        1: seed_results(1, (teacher,), (0.3,), (0.4,)),
    }
    rows = cells(Report(results, has_masks=False).table())
    assert rows['distilled']['box gap recovered'] == '-'


def test_nothing_detected_is_zero():
    runs = seed_results(0, (0.5,), (0.3,), (0.35,))
    runs['student']['final'] = {}
    rows = cells(Report({0: runs}, has_masks=False).table())
    assert rows['student']['box AP'] == '0.0'
    assert rows['distilled']['box gap recovered'] == '70%'


def test_controls_of_some_seeds():
    results = {
        0: seed_results(0, (0.5,), (0.3,), (0.4,), zero_weight=(0.32,)),
        1: seed_results(1, (0.5,), (0.3,), (0.4,)),
    }
    rows = cells(Report(results, has_masks=False).table())
    assert rows['zero weight (seed 0)']['box gap recovered'] == '10%'
    assert rows['distilled']['box AP'] == '40.0 ± 0.0'


def test_quick_is_marked():
    runs = seed_results(0, (0.5,), (0.3,), (0.35,))
    assert 'Quick run: numbers mean nothing' in Report({0: runs}, False, True).table()


def test_files(tmp_path):
    for seed in (10, 2):
        for name, content in seed_results(seed, (0.5,), (0.3,), (0.35,)).items():
            folder = tmp_path / f'seed_{seed}' / name
            folder.mkdir(parents=True)
            (folder / 'result.json').write_text(json.dumps(content))
    # Seed 3 is not finished.
    (tmp_path / 'seed_3' / 'teacher').mkdir(parents=True)
    results = read_results(tmp_path)
    assert list(results) == [2, 10]
    report = Report(results, has_masks=False)
    report.write(tmp_path)
    assert (tmp_path / 'table.md').read_text() == report.table()
    stored = json.loads((tmp_path / 'report.json').read_text())
    assert stored['rows']['teacher']['box AP']['mean'] == 50.0
    assert list(stored['seeds']) == ['2', '10']
