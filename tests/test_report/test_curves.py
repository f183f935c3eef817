from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from work_dirs import step, write_session

from mmreviewkd.report.curves import (
    chapters,
    curve,
    draw_chapter,
    is_average_precision,
    line_styles,
)
from mmreviewkd.report.run_log import read_runs


@pytest.fixture
def runs(tmp_path):
    points = [
        step(10, lr=0.1, loss=3.0, loss_cls=2.0, loss_distill=1.0, time=0.5, acc=9.0),
        step(20, lr=0.1, loss=2.0, loss_cls=1.0, loss_distill=1.0, time=0.5, acc=9.0),
        {'coco/bbox_mAP': 0.25, 'coco/bbox_mAP_s': -1, 'time': 0.1, 'step': 1},
    ]
    for seed in (0, 1):
        write_session(
            tmp_path / f'seed_{seed}' / 'distilled', f'2026010{seed}_000000', points
        )
    alone = [step(10, loss=2.5, loss_cls=2.5)]
    write_session(tmp_path / 'seed_0' / 'student', '20260109_000000', alone)
    return read_runs([tmp_path])


def test_every_scalar_is_in_a_chapter(runs):
    assert {chapter.name: chapter.scalars for chapter in chapters(runs)} == {
        'losses': ['loss', 'loss_cls', 'loss_distill'],
        # There are no small objects.
        'ap': ['coco/bbox_mAP'],
        'learning_rate': ['lr'],
        'cost': ['time'],
        'others': ['acc'],
    }


def test_curve(runs):
    assert curve(runs[0], 'loss', evaluation=False) == ([10, 20], [3.0, 2.0])
    assert curve(runs[0], 'time', evaluation=True) == ([1], [0.1])
    assert curve(runs[0], 'coco/bbox_mAP_s', evaluation=True) == ([], [])
    # As in the job's table.
    assert curve(runs[0], 'coco/bbox_mAP', evaluation=True) == ([1], [25])


@pytest.mark.parametrize(
    'name, expected',
    [
        ('coco/segm_mAP_50', True),
        ('coco/bbox_AR@100', True),
        ('coco/cat_precision', True),
        ('pascal_voc/AP50', True),
        ('lvis/bbox_AP', True),
        ('accuracy/top1', False),
        ('time', False),
        ('distill/MAP_of_x', False),
    ],
)
def test_what_is_an_average_precision(name, expected):
    assert is_average_precision(name) == expected


def test_seeds_share_a_colour(runs):
    first, student, second = line_styles(runs)
    assert first.color == second.color != student.color
    assert first.linestyle != second.linestyle


def test_panels(runs):
    losses, ap, *_ = chapters(runs)
    figure = draw_chapter(runs, losses)
    assert isinstance(figure, Figure)
    loss, _, distill = figure.axes
    assert [line.get_label() for line in loss.lines] == [run.name for run in runs]
    assert loss.lines[0].get_ydata().tolist() == [3.0, 2.0]
    assert loss.lines[1].get_xdata().tolist() == [10]
    assert not len(distill.lines[1].get_xdata())
    panel = draw_chapter(runs, ap).axes[0]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ('epoch', 'points of 100')
    assert panel.lines[0].get_ydata().tolist() == [25]
    assert not loss.get_ylabel()


def test_long_names_leave_room_for_the_curves(runs):
    """The names are within the picture, and take nothing from the panel."""
    many = [replace(run, name=f'{"long_" * 12}{n}') for n, run in enumerate(4 * runs)]
    rate = chapters(runs)[2]
    few, figure = draw_chapter(runs, rate), draw_chapter(many, rate)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 12
    for drawn in (few, figure):
        drawn.draw_without_rendering()
    box, room = legend.get_window_extent(), figure.bbox
    assert box.x0 >= 0 and box.x1 <= room.x1 and box.y0 >= 0
    heights = [drawn.axes[0].get_window_extent().height for drawn in (few, figure)]
    assert heights[1] > 0.9 * heights[0]


def test_places_without_a_panel_are_empty(runs):
    losses = chapters(runs)[0]
    four = losses._replace(scalars=[*losses.scalars, 'loss'])
    shown = [axes.axison for axes in draw_chapter(runs, four).axes]
    assert shown == [True] * 4 + [False] * 2
