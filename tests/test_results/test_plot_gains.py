import cv2
import pytest
from matplotlib.collections import PathCollection
from matplotlib.container import ErrorbarContainer
from results_of import result

from mmreviewkd.plot_style import COLOURS
from mmreviewkd.results import plot_gains as module
from mmreviewkd.results.plot_gains import plot_gains
from mmreviewkd.results.results import Results


def three(*aps):
    """Results of three seeds."""
    return {seed: result(*ap, seed=seed) for seed, ap in enumerate(aps)}


@pytest.fixture
def results():
    return Results(
        dict(
            teacher={0: result(0.5, 0.4)},
            student=three((0.3, 0.2), (0.4, 0.2), (0.35, 0.2)),
            low=three((0.28, 0.22), (0.41, 0.24), (0.355, 0.23)),
            high=three((0.33, 0.21), (0.45, 0.21), (0.39, 0.21)),
            unfinished={0: None, 1: None},
        ),
        kinds=('box', 'mask'),
        one_teacher=True,
    )


def test_bars_are_gains_the_best_above(results, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    plot_gains(results, tmp_path / 'plot.png')
    box, mask = saved[0].axes
    # Gains -2, 1, 0.5 and 3, 5, 4; standard deviations 1.6073 and 1.
    assert [bar.get_width() for bar in box.patches] == pytest.approx([-0.1667, 4], 1e-3)
    assert [text.get_text() for text in box.get_yticklabels()] == [
        'low  -0.2  (3)',
        'high  +4.0  (3)',
    ]
    # The interval of one holds 0.
    pale, clear = [bar.get_alpha() for bar in box.patches]
    assert pale < clear
    # Student's t of 2 degrees of freedom: 4.303, over sqrt(3).
    errors = [
        path.vertices[:, 0].tolist()
        for bars in box.containers
        if isinstance(bars, ErrorbarContainer)
        for path in bars[2][0].get_paths()
    ]
    assert errors == [
        pytest.approx([-0.1667 - 3.993, -0.1667 + 3.993], abs=2e-3),
        pytest.approx([4 - 2.484, 4 + 2.484], abs=2e-3),
    ]
    dots = [
        dots.get_offsets().tolist()
        for dots in box.collections
        if isinstance(dots, PathCollection)
    ]
    assert dots == [
        [pytest.approx([-2, 0]), pytest.approx([1, 0]), pytest.approx([0.5, 0])],
        [pytest.approx([3, 1]), pytest.approx([5, 1]), pytest.approx([4, 1])],
    ]
    # The student alone has 35 on average, the teacher 50.
    places = {line.get_color(): list(line.get_xdata()) for line in box.lines}
    assert places[COLOURS['student']] == [0, 0]
    assert places[COLOURS['teacher']] == pytest.approx([15, 15])
    assert [text.get_text() for text in box.texts] == [
        'student alone 35.0',
        'teacher 50.0',
    ]
    # By mask AP it is the other way round: gains 2, 4, 3 and 1, 1, 1.
    assert [text.get_text() for text in mask.get_yticklabels()] == [
        'high  +1.0  (3)',
        'low  +3.0  (3)',
    ]
    assert '95 % interval' in saved[0].get_supxlabel()


def test_long_intervals_are_cut(tmp_path, monkeypatch):
    """Those of two seeds would leave nothing to be seen of the gains."""
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    runs = dict(
        teacher={0: result(0.5)},
        student={0: result(0.3), 1: result(0.4, seed=1)},
        a={0: result(0.32), 1: result(0.38, seed=1)},
    )
    plot_gains(Results(runs, one_teacher=True), tmp_path / 'plot.png')
    # Gains 2 and -2, an interval of 0 ± 25; the teacher is 15 ahead.
    left, right = saved[0].axes[0].get_xlim()
    assert left == pytest.approx(-19) and right > 15


def test_one_seed_has_no_error_bars(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    runs = dict(
        teacher={0: result(0.5, 0)}, student={0: result(0.3, 0)}, a={0: result(0.4, 0)}
    )
    plot_gains(Results(runs), tmp_path / 'plot.png')
    (axes,) = saved[0].axes
    assert not axes.collections and not axes.lines[2:]
    assert [text.get_text() for text in axes.get_yticklabels()] == ['a  +10.0']
    assert saved[0].get_supxlabel() == 'one seed, no interval'


@pytest.mark.parametrize('teacher, sides', [(0.5, 'right left'), (0.29, 'left right')])
def test_labels_of_the_lines_point_away_from_each_other(
    teacher, sides, tmp_path, monkeypatch
):
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    runs = dict(
        teacher={0: result(teacher)}, student={0: result(0.3)}, a={0: result(0.4)}
    )
    plot_gains(Results(runs), tmp_path / 'plot.png')
    labels = saved[0].axes[0].texts
    assert [label.get_horizontalalignment() for label in labels] == sides.split()


def test_detectors_of_masks_alone(tmp_path):
    run = result(0.0, 0.4)
    run['final'] = {k: ap for k, ap in run['final'].items() if 'segm' in k}
    runs = dict(teacher={0: run}, student={0: run}, a={0: run})
    plot_gains(Results(runs, kinds=('mask',)), tmp_path / 'plot.png')
    assert (tmp_path / 'plot.png').is_file()


def test_file(results, tmp_path):
    plot_gains(results, tmp_path / 'plot.png')
    assert cv2.imread(str(tmp_path / 'plot.png')) is not None
    # Nothing to show yet.
    runs = dict(teacher={0: None}, student={0: result(0.3, 0)}, a={0: None})
    plot_gains(Results(runs), tmp_path / 'empty.png')
    assert not (tmp_path / 'empty.png').exists()
