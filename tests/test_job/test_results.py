import pytest
from mmengine.config import Config
from results_of import by_seed, result

from mmreviewkd.files import write_json
from mmreviewkd.job.plan import Run
from mmreviewkd.job.results import Gap, Results, read_results


def results(teacher, student, one_teacher=False, **methods):
    runs = dict(teacher=teacher, student=student, **methods)
    return Results(runs, has_masks=False, one_teacher=one_teacher)


def test_gain_is_over_the_same_seed():
    row = results(
        by_seed(0.5, 0.5, 0.5),
        by_seed(0.3, None, 0.4),
        fitnet=by_seed(None, 0.35, 0.45),
    ).values('fitnet')
    assert row['box AP'] == {1: pytest.approx(35), 2: pytest.approx(45)}
    assert row['box gain'] == {2: pytest.approx(5)}
    assert row['box gap recovered'] == {2: pytest.approx(0.5)}


def test_each_seed_has_its_teacher():
    found = results(by_seed(0.5, 0.6), by_seed(0.3, 0.4), a=by_seed(0.4, 0.45))
    assert found.gaps('box') == [Gap(0, 30, 50), Gap(1, 40, 60)]
    assert list(found.values('a')['box gap recovered'].values()) == pytest.approx(
        [0.5, 0.25]
    )


def test_one_teacher_for_all_seeds():
    found = results(by_seed(0.5), by_seed(0.3, 0.4), True, a=by_seed(0.4, 0.45))
    assert found.gaps('box') == [Gap(0, 30, 50), Gap(1, 40, 50)]
    # It is not counted for each.
    assert found.numbers()['teacher']['box AP']['values'] == [50]


def test_statistics():
    row = results(by_seed(0.5, 0.5), by_seed(0.3, 0.3), a=by_seed(0.35, 0.45))
    numbers = row.numbers()
    # 10 / sqrt(2)
    assert numbers['a']['box AP']['mean'] == pytest.approx(40)
    assert numbers['a']['box AP']['std'] == pytest.approx(7.0711, abs=1e-4)
    assert numbers['teacher']['box gain'] == dict(values=[], mean=None, std=None)


@pytest.mark.parametrize(
    'teacher, is_told', [(0.311, True), (0.309, False), (0, False)]
)
def test_no_gap_unless_each_teacher_is_better_by_a_point(teacher, is_told):
    found = results(by_seed(0.5, teacher), by_seed(0.3, 0.3), a=by_seed(0.4, 0.4))
    assert bool(found.values('a')['box gap recovered']) == is_told
    assert [gap.seed for gap in found.small_gaps('box')] == ([] if is_told else [1])


def test_best_methods_in_their_order():
    found = results(
        by_seed(0.5),
        by_seed(0.3),
        low=by_seed(0.2),
        high=by_seed(0.6),
        unfinished=by_seed(None),
        middle=by_seed(0.4),
        higher=by_seed(0.7),
    )
    assert found.best(3) == ['high', 'middle', 'higher']


def test_sizes_without_objects_have_no_ap():
    a = {0: result(0.4, **{'coco/bbox_mAP_s': -1.0})}
    found = results(by_seed(0.5), by_seed(0.3), a=a)
    assert found.values('a')['box APs'] == {}
    assert found.values('a')['box APm'] == {0: 40}


def test_nothing_detected_is_zero():
    student = by_seed(0.3)
    student[0]['final'] = {}
    found = results(by_seed(0.5), student, a=by_seed(0.35))
    assert found.values('student')['box AP'] == {0: 0}
    assert found.values('a')['box gap recovered'] == {0: pytest.approx(0.7)}


def test_masks():
    runs = dict(
        teacher={0: result(0.5, 0.4)},
        student={0: result(0.3, 0.2)},
        a={0: result(0.4, 0.25)},
    )
    found = Results(runs, has_masks=True)
    assert found.kinds == ('box', 'mask')
    assert found.values('a')['mask gain'] == {0: pytest.approx(5)}
    assert found.values('a')['mask gap recovered'] == {0: pytest.approx(0.25)}


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
    found = read_results(runs, has_masks=False)
    assert found.methods == ['b']
    # Those of other seeds that were done before count too.
    assert found.values('b')['box AP'] == {2: 25, 10: 25}
    assert found.missing['b'] == [3]
    assert list(found.finished['teacher']) == [2, 10]
    assert found.seeds == [2, 10]


def test_one_teacher_is_that_of_the_runs(runs):
    found = read_results(runs, has_masks=False, one_teacher=True)
    assert list(found.finished['teacher']) == [2]
