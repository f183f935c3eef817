import pytest

from mmreviewkd.results.image_noise import image_noise

RESAMPLED = dict(
    teacher={0: [40, 50]},
    student={0: [30, 40], 1: [32, 42]},
    a={0: [31, 43], 1: [31, 43], 2: [0, 0]},
    unfinished={},
)


def test_differences_are_on_the_same_images():
    noise = image_noise(73, RESAMPLED, one_teacher=True)
    assert noise.images == 73 and noise.resamples == 2
    # Mean over seeds: 31 and 41; 2.5 and 97.5 % of the way from one to the other.
    assert noise.aps['student'] == pytest.approx((31.25, 40.75))
    # Gains of the seeds that both have: 1, 3 and -1, 1.
    assert noise.gains == dict(a=pytest.approx((0.05, 1.95)))
    # 10 and 8 on all images.
    assert noise.gap == pytest.approx((9, 9))


def test_teachers_of_their_own():
    noise = image_noise(73, RESAMPLED, one_teacher=False)
    assert noise.gap == pytest.approx((10, 10))
    alone = {name: RESAMPLED[name] for name in ('student', 'a')}
    assert image_noise(73, alone, one_teacher=True).gap is None
