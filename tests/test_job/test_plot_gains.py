import cv2
import pytest
from results_of import result

from mmreviewkd.job import plot_gains as module
from mmreviewkd.job.plot_gains import plot_gains
from mmreviewkd.job.results import Results
from mmreviewkd.plot_style import COLOURS


@pytest.fixture
def results():
    return Results(
        dict(
            teacher={0: result(0.5, 0.4)},
            student={0: result(0.3, 0.2), 1: result(0.4, 0.2)},
            low={0: result(0.28, 0.22), 1: result(0.41, 0.24)},
            high={0: result(0.33, 0.21), 1: result(0.45, 0.21)},
            unfinished={0: None, 1: None},
        ),
        has_masks=True,
        one_teacher=True,
    )


def test_bars_are_gains_the_best_above(results, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    plot_gains(results, tmp_path / 'plot.png')
    box, mask = saved[0].axes
    # Gains -2, 1 and 3, 5; standard deviations 3 / sqrt(2) and 2 / sqrt(2).
    assert [bar.get_width() for bar in box.patches] == pytest.approx([-0.5, 4])
    assert [text.get_text() for text in box.get_yticklabels()] == [
        'low  -0.5',
        'high  +4.0',
    ]
    errors = [path.vertices[:, 0].tolist() for path in box.collections[0].get_paths()]
    assert errors == [
        pytest.approx([-2.621, 1.621], abs=1e-3),
        pytest.approx([2.586, 5.414], abs=1e-3),
    ]
    dots = [dots.get_offsets().tolist() for dots in box.collections[1:]]
    assert dots == [
        [pytest.approx([-2, 0]), pytest.approx([1, 0])],
        [pytest.approx([3, 1]), pytest.approx([5, 1])],
    ]
    # The student alone has 35 on average, the teacher 50.
    places = {line.get_color(): list(line.get_xdata()) for line in box.lines}
    assert places[COLOURS['student']] == [0, 0]
    assert places[COLOURS['teacher']] == pytest.approx([15, 15])
    assert [text.get_text() for text in box.texts] == [
        'student alone 35.0',
        'teacher 50.0',
    ]
    # By mask AP it is the other way round: gains 2, 4 and 1, 1.
    assert [text.get_text() for text in mask.get_yticklabels()] == [
        'high  +1.0',
        'low  +3.0',
    ]
    assert '2 seeds' in saved[0].get_supxlabel()


def test_one_seed_has_no_error_bars(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    runs = dict(
        teacher={0: result(0.5, 0)}, student={0: result(0.3, 0)}, a={0: result(0.4, 0)}
    )
    plot_gains(Results(runs, has_masks=False), tmp_path / 'plot.png')
    (axes,) = saved[0].axes
    assert not axes.collections
    assert not saved[0].get_supxlabel()


def test_file(results, tmp_path):
    plot_gains(results, tmp_path / 'plot.png')
    assert cv2.imread(str(tmp_path / 'plot.png')) is not None
    # Nothing to show yet.
    runs = dict(teacher={0: None}, student={0: result(0.3, 0)}, a={0: None})
    plot_gains(Results(runs, has_masks=False), tmp_path / 'empty.png')
    assert not (tmp_path / 'empty.png').exists()
