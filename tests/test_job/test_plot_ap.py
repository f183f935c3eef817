import pytest
from matplotlib.figure import Figure

from mmreviewkd.job import plot_ap as module
from mmreviewkd.job.plan import MAIN
from mmreviewkd.job.plot_ap import plot_ap
from mmreviewkd.job.report import Report


def curve(*values):
    return dict(
        epochs=[
            dict(epoch=2 * i, metrics={'coco/bbox_mAP': ap, 'coco/segm_mAP': ap / 2})
            for i, ap in enumerate(values, 1)
        ]
    )


@pytest.fixture
def figures(monkeypatch):
    """Keep what is saved."""
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))
    return saved


def test_mean_and_band_over_seeds(figures, tmp_path):
    results = {
        0: {name: curve(0.1, 0.2) for name in MAIN},
        1: {name: curve(0.1, 0.4) for name in MAIN},
    }
    plot_ap(Report(results, has_masks=True), tmp_path / 'ap.png')
    figure: Figure = figures[0]
    box, mask = figure.axes
    assert len(box.lines) == 3
    assert box.lines[0].get_xdata().tolist() == [2, 4]
    assert box.lines[0].get_ydata() == pytest.approx([10, 30])
    assert mask.lines[0].get_ydata() == pytest.approx([5, 15])
    # 30 with a sample standard deviation of 20 / sqrt(2).
    band = box.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(44.14, abs=0.01)
    assert 'seeds 0, 1' in figure.get_supxlabel()


def test_names_do_not_lie_on_one_another(figures, tmp_path):
    results = {0: {name: curve(0.1, 0.3) for name in MAIN}}
    plot_ap(Report(results, has_masks=False), tmp_path / 'ap.png')
    (axes,) = figures[0].axes
    heights = sorted(text.xyann[1] for text in axes.texts)
    assert [text.get_text() for text in axes.texts] == [f'{name} 30.0' for name in MAIN]
    assert min(b - a for a, b in zip(heights, heights[1:], strict=False)) > 1
    assert not axes.collections
