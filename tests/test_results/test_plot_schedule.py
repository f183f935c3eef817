import cv2
import pytest
from matplotlib.container import ErrorbarContainer
from results_of import by_seed

from mmreviewkd.errors import UsageError
from mmreviewkd.results import plot_schedule as module
from mmreviewkd.results.file import ResultsFile
from mmreviewkd.results.plot_schedule import plot_schedule
from mmreviewkd.results.results import Results


def file(epochs, *gains, steps=None, data='bccd', **methods):
    """A job in which method a has these gains over 30 AP, one a seed."""
    seeds = range(len(gains))
    a = by_seed(*[0.3 + gain / 100 for gain in gains])
    runs = dict(teacher=by_seed(0.5), student=by_seed(*[0.3 for _ in seeds]), a=a)
    for run in runs['student'].values():
        run['steps'] = steps
    results = Results(runs | methods, one_teacher=True)
    return ResultsFile(results, dict(data=dict(name=data), epochs=dict(student=epochs)))


@pytest.fixture
def axes_of(monkeypatch, tmp_path):
    """Draw, and return the only panel."""
    saved = []
    monkeypatch.setattr(module, 'save', lambda figure, path: saved.append(figure))

    def draw(files, *args):
        plot_schedule(files, tmp_path / 'plot.png', *args)
        return saved[-1].axes[0]

    return draw


def test_curve_with_intervals(axes_of):
    axes = axes_of([file(8, 2, 3, 4), file(4, 1)])
    alone, curve, *points = axes.lines
    assert set(alone.get_ydata()) == {0}
    # The shortest schedule first, whatever the order of the files.
    assert curve.get_xdata() == pytest.approx([4, 8])
    assert curve.get_ydata() == pytest.approx([1, 3])
    (bars,) = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    ends = bars[2][0].get_paths()[0].vertices[:, 1]
    # 4.303 / sqrt(3)
    assert ends == pytest.approx([3 - 2.484, 3 + 2.484], abs=1e-3)
    # One seed, three seeds.
    assert [text.get_text() for text in axes.texts] == ['1', '3']
    assert points[0].get_markerfacecolor() == 'white'
    assert axes.get_xlabel() == 'length of the schedule (epochs)'
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ['student alone', 'a']


def test_steps_where_all_know_them(axes_of):
    axes = axes_of([file(4, 1, steps=40), file(4, 2, steps=80)])
    assert axes.lines[1].get_xdata() == pytest.approx([40, 80])
    assert axes.get_xlabel() == 'length of the schedule (steps)'
    axes = axes_of([file(4, 1, steps=40), file(8, 2)])
    assert axes.get_xlabel() == 'length of the schedule (epochs)'


def test_best_methods_or_those_asked_for(axes_of):
    more = {f'm{n}': by_seed(0.3 + n / 100) for n in range(8)}
    files = [file(8, 2.5, **more)]
    labels = [t.get_text() for t in axes_of(files).get_legend().get_texts()]
    assert labels == ['student alone', 'a', 'm3', 'm4', 'm5', 'm6', 'm7']
    labels = [t.get_text() for t in axes_of(files, ['m1']).get_legend().get_texts()]
    assert labels == ['student alone', 'm1']


def test_each_curve_has_a_colour_of_its_own(axes_of):
    more = {f'm{n}': by_seed(0.3 + n / 100) for n in range(9)}
    axes = axes_of([file(8, 2.5, **more)], list(more)[:8])
    handles = axes.get_legend().get_lines()
    assert len({line.get_color() for line in handles}) == 9
    with pytest.raises(UsageError, match='9 methods .* 8 colours; name fewer'):
        axes_of([file(8, 2.5, **more)], list(more))


@pytest.mark.parametrize(
    'files, methods, message',
    [
        (
            [file(8, 1), file(4, 1, data='digits')],
            (),
            r'different data \(bccd, digits\)',
        ),
        ([file(8, 1), file(8, 2)], (), r'the same schedule \(8, 8 epochs\)'),
        ([file(None, 1)], (), 'how long its schedule is'),
        ([file(8, 1)], ['b'], 'no job has the method b; they have a'),
    ],
)
def test_errors(tmp_path, files, methods, message):
    with pytest.raises(UsageError, match=message):
        plot_schedule(files, tmp_path / 'plot.png', methods)


def test_file(tmp_path):
    plot_schedule([file(8, 1, 2), file(4, 1, 3)], tmp_path / 'plot.png')
    assert cv2.imread(str(tmp_path / 'plot.png')) is not None
