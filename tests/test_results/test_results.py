import pytest
from results_of import by_seed, result

from mmreviewkd.results.results import ROUNDING_STD, Gap, Results


def results(teacher, student, one_teacher=False, **methods):
    runs = dict(teacher=teacher, student=student, **methods)
    return Results(runs, one_teacher=one_teacher)


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
    assert found.numbers()['teacher']['box AP'].values == [50]


def test_statistics():
    row = results(by_seed(0.5, 0.5), by_seed(0.3, 0.3), a=by_seed(0.35, 0.45))
    numbers = row.numbers()
    # 10 / sqrt(2)
    assert numbers['a']['box AP'].mean == pytest.approx(40)
    assert numbers['a']['box AP'].std == pytest.approx(7.0711, abs=1e-4)
    assert numbers['teacher']['box gain'] == ([], None, None, None, None)


@pytest.mark.parametrize('teacher, is_told', [(0.49, True), (0.309, False), (0, False)])
def test_no_gap_unless_each_teacher_is_better_by_a_point(teacher, is_told):
    found = results(by_seed(0.5, teacher), by_seed(0.3, 0.3), a=by_seed(0.4, 0.4))
    assert bool(found.values('a')['box gap recovered']) == is_told
    assert [gap.seed for gap in found.small_gaps('box')] == ([] if is_told else [1])


def test_gains_have_students_interval():
    found = results(
        by_seed(0.6),
        by_seed(0.3, 0.31, 0.32),
        True,
        ahead=by_seed(0.34, 0.36, 0.38),
        behind=by_seed(0.26, 0.26, 0.26),
        noise=by_seed(0.31, 0.30, 0.35),
        two=by_seed(0.32, 0.34),
        one=by_seed(None, 0.40),
        none=by_seed(None),
    )
    # 4, 5, 6: mean 5, standard deviation 1; t of 2 degrees of freedom: 4.303.
    half = 4.303 / 3**0.5
    gain = found.numbers()['ahead']['box gain']
    assert gain.interval == pytest.approx((5 - half, 5 + half), abs=1e-3)
    assert {name: found.verdict(name, 'box') for name in found.methods} == dict(
        ahead='ahead',
        behind='behind',
        noise='not clear',
        # 2 and 3: 2.5 ± 12.706 · 0.707 / sqrt(2).
        two='not clear',
        one='one seed, no interval',
        none='-',
    )


def test_seeds_that_agree_by_rounding():
    found = results(by_seed(0.6), by_seed(0.3, 0.3), True, a=by_seed(0.302, 0.302))
    half = 12.706 * ROUNDING_STD / 2**0.5
    interval = found.numbers()['a']['box gain'].interval
    assert interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-3)
    assert found.verdict('a', 'box') == 'not clear'


def test_many_seeds_have_a_second_opinion():
    alone = [0.3 + 0.002 * seed for seed in range(10)]
    method = [0.31 + 0.003 * seed for seed in range(10)]
    found = results(by_seed(0.6), by_seed(*alone), True, a=by_seed(*method))
    gain = found.numbers()['a']['box gain']
    assert gain.bootstrap == pytest.approx(gain.interval, abs=0.1)


def test_share_is_the_ratio_of_the_means():
    found = results(
        by_seed(0.5), by_seed(0.30, 0.32, 0.31), True, a=by_seed(0.35, 0.35, 0.37)
    )
    share = found.numbers()['a']['box gap recovered']
    # Gains 5, 3, 6 of gaps 20, 18, 19.
    assert share.mean == pytest.approx(14 / 57)
    low, high = share.interval
    assert 0 < low < 14 / 57 < high < 1


def test_no_share_of_a_gap_that_may_be_noise():
    # Gaps 2, 30 and 1: mean 11, interval 11 ± 40.
    found = results(
        by_seed(0.32, 0.6, 0.31), by_seed(0.3, 0.3, 0.3), a=by_seed(0.4, 0.4, 0.4)
    )
    assert not found.small_gaps('box') and found.gap_is_noise('box')
    assert found.values('a')['box gap recovered'] == {}


def resampled(ap, images):
    return result(ap) | dict(resampled=dict(images=9, box=images))


@pytest.mark.parametrize('teacher, is_noise', [([31, 33, 34], False), ([29, 34], True)])
def test_gap_of_one_seed_is_judged_over_images(teacher, is_noise):
    alone = [30] * len(teacher)
    found = results(
        {0: resampled(0.33, teacher)}, {0: resampled(0.3, alone)}, a=by_seed(0.31)
    )
    assert found.noise['box'].images == 9
    assert found.gap_is_noise('box') == is_noise
    assert bool(found.values('a')['box gap recovered']) != is_noise


def test_classes():
    student = by_seed(0.3, 0.3)
    student[0]['class_ap'] = dict(box=dict(cat=10.0, dog=None))
    student[1]['class_ap'] = dict(box=dict(cat=12.0, dog=None))
    found = results(by_seed(0.5), student, a=by_seed(0.4))
    assert found.class_names == ['cat', 'dog']
    assert found.class_aps('student', 'box') == dict(cat={0: 10.0, 1: 12.0}, dog={})
    assert found.class_aps('a', 'box') == {}


def test_costs_at_inference():
    student = by_seed(0.3)
    student[0] |= dict(gflops=1.5, latency_ms=20.0, input_size=[64, 48])
    row = results(by_seed(0.5), student).values('student')
    assert row['GFLOPs'] == {0: 1.5} and row['latency (ms)'] == {0: 20.0}
    assert results(by_seed(0.5), student).input_sizes == [(64, 48)]


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
    found = Results(runs, kinds=('box', 'mask'))
    assert found.kinds == ('box', 'mask')
    assert found.values('a')['mask gain'] == {0: pytest.approx(5)}
    assert found.values('a')['mask gap recovered'] == {0: pytest.approx(0.25)}


def test_teacher_of_boxes_over_a_student_of_masks():
    """It has no mask AP, which is not a mask AP of 0."""
    runs = dict(
        teacher={0: result(0.5)},
        student={0: result(0.3, 0.2)},
        a={0: result(0.4, 0.25)},
    )
    found = Results(runs, kinds=('box', 'mask'))
    assert found.values('teacher')['mask AP'] == {}
    assert found.values('a')['mask gap recovered'] == {}
    assert found.values('a')['box gap recovered'] == {0: pytest.approx(0.5)}
