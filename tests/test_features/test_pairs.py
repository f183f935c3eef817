import pytest
import torch

from mmreviewkd.features import Feature, FeaturePairs


@pytest.fixture(autouse=True)
def said(monkeypatch):
    texts = []
    monkeypatch.setattr(
        'mmreviewkd.features.pairs.print_log', lambda text, **_: texts.append(text)
    )
    return texts


def pairs(resize=None, numbers=((0, 0),)):
    levels = [Feature('neck', n, 1, stride) for n, stride in enumerate((4, 8))]
    return FeaturePairs(levels, levels, numbers, resize)


def fitted(student, teacher, resize=None):
    """The teacher's map, fitted to a student's map of another size."""
    one = pairs(resize)
    x = torch.zeros(1, 1, *student)
    _, (target,) = one.pick([x], [teacher], (99, 99))
    return target


RAMP = torch.arange(6.0).view(1, 1, 2, 3)


def test_same_sizes_are_left_alone(said):
    assert fitted((2, 3), RAMP) is RAMP
    assert not said


@pytest.mark.parametrize(
    'size, rows',
    [
        ((1, 3), [[0, 1, 2]]),
        ((2, 2), [[0, 1], [3, 4]]),
        ((3, 3), [[0, 1, 2], [3, 4, 5], [3, 4, 5]]),
        ((3, 2), [[0, 1], [3, 4], [3, 4]]),
        ((2, 4), [[0, 1, 2, 2], [3, 4, 5, 5]]),
    ],
)
def test_one_position_is_cropped_or_extended_and_said(size, rows, said):
    assert fitted(size, RAMP).tolist() == [[rows]]
    assert len(said) == 1 and 'cropped or extended by one' in said[0]


def test_it_is_said_once(said):
    one = pairs()
    for _ in range(3):
        one.pick([torch.zeros(1, 1, 2, 2)], [RAMP], (99, 99))
    assert len(said) == 1


def test_other_sizes_need_a_word():
    with pytest.raises(ValueError, match=r'\(4, 6\) and \(2, 3\).*model.resize'):
        fitted((4, 6), RAMP)


def test_nearest():
    expected = [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
    assert fitted((4, 6), RAMP, 'nearest').tolist() == [[expected]]


def test_pool():
    x = torch.arange(8.0).view(1, 1, 4, 2)
    assert fitted((2, 1), x[:, :, :, :1], 'pool').tolist() == [[[[1], [5]]]]
    # Larger in one direction, smaller in the other.
    assert fitted((1, 4), x, 'pool').tolist() == [[[[3, 3, 4, 4]]]]


def test_the_review_gets_the_size_instead(said):
    for size in ((1, 3), (8, 12)):
        assert fitted(size, RAMP, 'review') is RAMP
    assert not said


def test_levels_are_picked_by_number():
    one = pairs(numbers=[(0, 1), (1, 0)])
    maps = [torch.full((1, 1, 2, 2), value) for value in (1.0, 2.0)]
    feats, targets = one.pick(maps, maps, (8, 8))
    assert [float(x.mean()) for x in feats] == [1, 2]
    assert [float(x.mean()) for x in targets] == [2, 1]


def test_a_student_that_sees_each_image_in_several_branches():
    """TridentNet stacks its branches: all images of the first, then of the second."""
    teacher = torch.arange(2.0).view(2, 1, 1, 1)
    _, (target,) = pairs().pick([torch.zeros(6, 1, 1, 1)], [teacher], (4, 4))
    assert target.flatten().tolist() == [0, 1, 0, 1, 0, 1]
