"""The numbers on the pages are those of the results' files."""

import json
import math
import re
from pathlib import Path
from statistics import fmean

import pytest

from mmreviewkd.results.intervals import t_interval
from mmreviewkd.results.results import ROUNDING_STD

ROOT = Path(__file__).resolve().parents[1]
# Data set, file in docs/results/, kinds of AP.
SETS = (
    ('BCCD, 8 epochs', 'bccd_8', ('box',)),
    ('BCCD, 12 epochs', 'bccd_12', ('box',)),
    ('BCCD, RetinaNet, 12 epochs', 'bccd_retinanet_12', ('box',)),
    ('digits', 'digits_8', ('box', 'mask')),
    ('DSB 2018, 3 epochs', 'dsb2018_3', ('box', 'mask')),
    ('DSB 2018, 6 epochs', 'dsb2018_6', ('box', 'mask')),
    ('DSB 2018, 12 epochs', 'dsb2018_12', ('box', 'mask')),
)
ROWS = [(title, file, kind) for title, file, kinds in SETS for kind in kinds]
IN_README = dict(
    bccd_12='blood cells (BCCD), Faster R-CNN',
    bccd_retinanet_12='blood cells (BCCD), RetinaNet',
    dsb2018_12='nuclei (DSB 2018), Mask R-CNN',
    digits_8='handwritten digits, Mask R-CNN',
)


def summary(file: str) -> dict:
    return json.loads((ROOT / f'docs/results/{file}.json').read_text())['summary']


def spread(value: dict) -> str:
    return f'{value["mean"]:.1f} ± {value["std"]:.1f}'


def gain(value: dict) -> str:
    low, high = value['interval']
    return f'{value["mean"]:+.1f} [{low:+.1f}, {high:+.1f}]'


def share(value: dict) -> str:
    # Of the file's four digits, 0.915 may have been less.
    mean, low, high = (
        math.ceil(100 * number - 0.5) for number in (value['mean'], *value['interval'])
    )
    return f'{mean} % [{low}, {high}]'


@pytest.mark.parametrize('title, file, kind', ROWS)
def test_table_of_results(title, file, kind):
    runs = summary(file)
    ours = runs['recommended']
    cells = (
        f'{title}, {kind}',
        f'{runs["teacher"][f"{kind} AP"]["mean"]:.1f}',
        spread(runs['student'][f'{kind} AP']),
        spread(ours[f'{kind} AP']),
        gain(ours[f'{kind} gain']),
        share(ours[f'{kind} gap recovered']),
        str(len(ours[f'{kind} AP']['values'])),
    )
    assert f'| {" | ".join(cells)} |' in (ROOT / 'docs/results.md').read_text()


@pytest.mark.parametrize('title, file, kind', ROWS)
def test_parts_of_the_gain(title, file, kind):
    runs = summary(file)
    cells = [f'{title}, {kind}']
    for name in ('review_standardized', 'review_objects', 'inherit', 'recommended'):
        cells.append(gain(runs[name][f'{kind} gain']) if name in runs else '')
    assert f'| {" | ".join(cells)} |' in (ROOT / 'docs/results.md').read_text()


@pytest.mark.parametrize(
    'method',
    'inherit recommended review_standardized review_objects pkd fgfi fgd mgd'.split(),
)
def test_gains_by_schedule(method):
    cells = [f'`{method}`']
    for epochs in (4, 8, 12, 24):
        runs = summary(f'bccd_{epochs}')
        cells.append(gain(runs[method]['box gain']) if method in runs else '')
    assert f'| {" | ".join(cells)} |' in (ROOT / 'docs/comparison.md').read_text()


@pytest.mark.parametrize(
    'method',
    'inherit recommended review_standardized review_objects pkd fgfi mgd'.split(),
)
def test_gains_on_nuclei_by_schedule(method):
    cells = [f'`{method}`']
    for kind in ('box', 'mask'):
        for epochs in (3, 6, 12):
            runs = summary(f'dsb2018_{epochs}')
            cells.append(gain(runs[method][f'{kind} gain']))
    assert (
        f'| {" | ".join(cells)} |' in (ROOT / 'docs/comparison_tables.md').read_text()
    )


@pytest.mark.parametrize(
    'file, start',
    [('bccd_quarter', "the teacher's weights"), ('bccd_quarter_random', 'random')],
)
def test_table_of_unlabelled_images(file, start):
    runs = summary(file)
    page = (ROOT / 'docs/unlabeled.md').read_text()
    for name, title in (
        ('distilled_unlabeled', 'unlabelled images'),
        ('distilled_pseudo', 'pseudo labels'),
    ):
        if name not in runs:
            continue
        brought = runs[name]['box gain over distilled']
        cells = (
            start,
            spread(runs['distilled']['box AP']),
            title,
            spread(runs[name]['box AP']),
            gain(brought),
            ', '.join(f'{value:+.1f}' for value in brought['values']),
        )
        assert f'| {" | ".join(cells)} |' in page


@pytest.mark.parametrize('file, title', IN_README.items())
def test_table_of_the_first_screen(file, title):
    runs = summary(file)
    ours = runs['recommended']
    cells = (
        title,
        gain(ours['box gain']),
        f'{runs["student"]["box AP"]["mean"]:.1f}',
        f'{ours["box AP"]["mean"]:.1f}',
        f'{runs["teacher"]["box AP"]["mean"]:.1f}',
        str(len(ours['box AP']['values'])),
    )
    assert f'| {" | ".join(cells)} |' in (ROOT / 'README.md').read_text()


@pytest.mark.parametrize(
    'row', 'skd skd_r mkd mkd_r rlf rlf_hcl rlf_abf reverse_review reverse'.split()
)
def test_ablation(row):
    runs = json.loads((ROOT / 'docs/results/bccd_12.json').read_text())['runs']
    full, other = (
        {seed: run['AP']['box']['AP'] for seed, run in runs[name].items()}
        for name in ('review_standardized', row)
    )
    found = [full[seed] - other[seed] for seed in other]
    value = dict(mean=fmean(found), interval=t_interval(found, ROUNDING_STD))
    cells = gain(value), ', '.join(f'{one:+.1f}' for one in found)
    page = (ROOT / 'docs/comparison_tables.md').read_text()
    (line,) = (line for line in page.splitlines() if line.startswith(f'| `{row}` |'))
    assert line.endswith(f'| {" | ".join(cells)} |')


@pytest.mark.parametrize(
    'what, alike, together',
    [
        ('all', 'whole_maps', 'whole_maps_across'),
        ("by the teacher's scores", 'scores', 'scores_across'),
        ('in annotated boxes', 'boxes', 'boxes_across'),
        ('with an anchor near an object', 'anchors', 'anchors_across'),
        ('the same, a convolution .*', None, 'fgfi'),
    ],
)
def test_how_much_each_level_counts(what, alike, together):
    runs = summary('dsb2018_split_6')
    cells = [
        f'{runs[name]["box gain"]["mean"]:+.1f} ' if name else ''
        for name in (alike, together)
    ]
    row = rf'^\| {what} \| {re.escape(cells[0])}\| {re.escape(cells[1])}\|$'
    assert re.search(row, (ROOT / 'docs/results.md').read_text(), re.MULTILINE)


@pytest.mark.parametrize('title, file, _', SETS)
def test_what_the_review_adds_to_the_start(title, file, _):
    runs = json.loads((ROOT / f'docs/results/{file}.json').read_text())['runs']
    both, start = (
        {seed: run['AP']['box']['AP'] for seed, run in runs[name].items()}
        for name in ('recommended', 'inherit')
    )
    found = [both[seed] - start[seed] for seed in both]
    value = dict(mean=fmean(found), interval=t_interval(found, ROUNDING_STD))
    cell = gain(value).replace('+0.0 [', '0.0 [', 1)
    assert f'| {title} | {cell} |' in (ROOT / 'docs/results.md').read_text()


def test_another_pair_of_classifiers():
    runs = summary('cifar100_x4_1')
    alone, ours = (runs[name]['top-1 accuracy'] for name in ('student', 'review'))
    page = (ROOT / 'docs/classification.md').read_text()
    cells = (
        spread(alone),
        spread(ours),
        gain(runs['review']['top-1 gain']),
        share(runs['review']['top-1 gap recovered']),
    )
    assert f'| {" | ".join(cells)} |' in page
    assert f'| 1 epoch: alone {alone["mean"]:.1f}, review {ours["mean"]:.1f} |' in page


@pytest.mark.parametrize('row', 'mkd_r rlf rlf_abf rlf_hcl review_standardized'.split())
def test_ablation_of_classifiers(row):
    run = summary('cifar100_1')[row]
    cells = spread(run['top-1 accuracy']), gain(run['top-1 gain'])
    page = (ROOT / 'docs/classification.md').read_text()
    _, page = page.split('### Ablation')
    (line,) = (line for line in page.splitlines() if f'| `{row}.py` |' in line)
    assert line.endswith(f'| {" | ".join(cells)} |')


def test_teacher_from_imagenet_weights():
    runs = summary('dsb2018_mv2_6')
    page = (ROOT / 'docs/results.md').read_text()
    for name in ('review_objects', 'inherit'):
        assert gain(runs[name]['box gain']).removeprefix('+') in page
