import pytest
from matplotlib.figure import Figure
from results_of import result

from mmreviewkd.results import plot_ap as module
from mmreviewkd.results.plot_ap import plot_ap
from mmreviewkd.results.results import Results

NAMES = ('teacher', 'student', 'distilled')


@pytest.fixture
def figures(monkeypatch):
    """Keep what is saved."""
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    return saved


def runs(*curves, names=NAMES):
    """The same curves for all runs, one a seed."""
    seeds = {
        seed: result(curve[-1], seed=seed, epochs=curve)
        for seed, curve in enumerate(curves)
    }
    return {name: seeds for name in names}


def test_mean_and_band_over_seeds(figures, tmp_path):
    found = Results(runs((0.1, 0.2), (0.1, 0.4)), kinds=('box', 'mask'))
    plot_ap(found, tmp_path / 'ap.png')
    figure: Figure = figures[0]
    box, mask = figure.axes
    assert len(box.lines) == 3
    assert box.lines[0].get_xdata().tolist() == [2, 4]
    assert box.lines[0].get_ydata() == pytest.approx([10, 30])
    assert mask.lines[0].get_ydata() == pytest.approx([5, 15])
    # 30 with a sample standard deviation of 20 / sqrt(2).
    band = box.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(44.14, abs=0.01)
    assert '2 seeds (0, 1)' in figure.get_supxlabel()


def test_names_do_not_lie_on_one_another(figures, tmp_path):
    plot_ap(Results(runs((0.1, 0.3))), tmp_path / 'ap.png')
    (axes,) = figures[0].axes
    heights = sorted(text.xyann[1] for text in axes.texts)
    assert {text.get_text() for text in axes.texts} == {f'{n} 30.0' for n in NAMES}
    assert min(b - a for a, b in zip(heights, heights[1:], strict=False)) > 1
    assert not axes.collections


def test_runs_that_ended_early_or_not_at_all(figures, tmp_path):
    found = runs((0.1, 0.2, 0.3), (0.1, 0.4)) | dict(student={0: None})
    plot_ap(Results(found), tmp_path / 'ap.png')
    (axes,) = figures[0].axes
    assert len(axes.lines) == 2
    assert axes.lines[0].get_xdata().tolist() == [2, 4]


def test_best_of_many_methods(figures, tmp_path):
    names = [f'method_{i}' for i in range(24)]
    found = runs((0.1, 0.3), names=('teacher', 'student', *names))
    plot_ap(Results(found), tmp_path / 'ap.png')
    assert len(figures[0].axes[0].lines) == 2 + module.MOST
    assert 'of 24 methods' in figures[0].get_supxlabel()


def test_teacher_without_masks(figures, tmp_path):
    """It has no line in the panel of the masks."""
    found = runs((0.1, 0.3))
    boxes = result(0.3, epochs=(0.1, 0.3))
    for point in boxes['epochs']:
        del point['metrics']['coco/segm_mAP']
    plot_ap(
        Results(found | dict(teacher={0: boxes}), ('box', 'mask')), tmp_path / 'ap.png'
    )
    box, mask = figures[0].axes
    assert len(box.lines) == 3 and len(mask.lines) == 2
