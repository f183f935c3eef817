import pytest
from mmengine.config import Config
from results_of import result

from mmreviewkd.files import write_json
from mmreviewkd.job.plan import Run
from mmreviewkd.job.read_results import read_results


@pytest.fixture
def runs(tmp_path):
    def run(name, seed, finished=True):
        cfg = Config(dict(randomness=dict(seed=seed)))
        run = Run(name, tmp_path / f'seed_{seed}' / name, cfg)
        if finished:
            write_json(run.folder / 'result.json', result(0.25, seed=seed))
        return run

    run('student', 10), run('b', 10), run('c', 10), run('teacher', 10)
    return [run('teacher', 2), run('student', 2), run('b', 2), run('b', 3, False)]


def test_results_are_read_from_the_runs(runs):
    found = read_results(runs)
    assert found.methods == ['b']
    # Those of other seeds that were done before count too.
    assert found.values('b')['box AP'] == {2: 25, 10: 25}
    assert found.missing['b'] == [3]
    assert list(found.finished['teacher']) == [2, 10]
    assert found.seeds == [2, 10]


def test_resampled_aps_are_read_too(runs):
    for run in runs[:2]:
        content = dict(images=5, box=[20.0, 30.0])
        write_json(run.folder / 'resampled_ap.json', content)
    found = read_results(runs)
    assert found.noise['box'].aps['student'] == pytest.approx((20.25, 29.75))


def test_one_teacher_is_that_of_the_runs(runs):
    found = read_results(runs, one_teacher=True)
    assert list(found.finished['teacher']) == [2]


def test_names_are_no_patterns(tmp_path):
    """Of the file of a method; cwd2 is another one."""
    runs = []
    for name, seed in (('student', 0), ('cwd[2]', 0), ('cwd[2]', 1), ('cwd2', 3)):
        cfg = Config(dict(randomness=dict(seed=seed)))
        runs.append(Run(name, tmp_path / f'seed_{seed}' / name, cfg))
        write_json(runs[-1].folder / 'result.json', result(0.25, seed=seed))
    found = read_results(runs[:2])
    assert list(found.finished['cwd[2]']) == [0, 1]
