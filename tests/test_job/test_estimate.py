import itertools

import pytest
from mmengine.config import Config

from mmreviewkd.job.estimate import Estimate
from mmreviewkd.job.plan import Run


def estimate(*runs):
    """Of runs with a name, a number of epochs and an interval of evaluations."""
    return Estimate(
        [
            Run(
                name,
                None,
                Config(dict(train_cfg=dict(max_epochs=epochs, val_interval=interval))),
            )
            for name, epochs, interval in runs
        ]
    )


def result(epochs, training, evaluation, last):
    points = [dict(epoch=last)] * epochs
    return dict(epochs=points, training_seconds=training, evaluation_seconds=evaluation)


def test_nothing_is_known_at_first():
    assert estimate(('teacher', 10, 2)).share_and_rest() == (0, None)


def test_each_kind_has_its_pace():
    found = estimate(('teacher', 10, 5), ('student', 10, 5), ('fitnet', 8, 4))
    found.update(0, 'epochs', 5, 3.0)
    found.update(0, 'evaluations', 1, 10.0)
    found.update(1, 'epochs', 0, 2.0)
    found.update(1, 'evaluations', 0, 4.0)
    found.update(2, 'epochs', 0, 2.5)
    found.update(2, 'evaluations', 0, 5.0)
    share, rest = found.share_and_rest()
    # Left are 5 and 1 of the teacher, 10 and 2 of the student, 8 and 2 of the third.
    assert rest == pytest.approx((15 + 10) + (20 + 8) + (20 + 10))
    assert share == pytest.approx(25 / (25 + rest))


def test_what_is_not_measured_costs_as_usual_beside_what_is():
    found = estimate(('teacher', 10, 10), ('student', 10, 10), ('fitnet', 10, 10))
    found.update(0, 'epochs', 10, 3.2)
    # 2 s an epoch of the student, 2.8 s distilled; evaluations half of an epoch.
    assert found.share_and_rest()[1] == pytest.approx(20 + 28 + 1.6 + 1 + 1)


def test_other_methods_cost_as_those_that_are_measured():
    found = estimate(('a', 10, 20), ('b', 10, 20), ('c', 10, 20))
    found.update(0, 'epochs', 10, 2.0)
    found.update(1, 'epochs', 10, 4.0)
    found.update(0, 'evaluations', 1, 0.0)
    found.update(1, 'evaluations', 1, 0.0)
    assert found.share_and_rest()[1] == pytest.approx(30 + 0.5 * 3.0 / 1.4)


def test_pace_is_that_of_now():
    found = estimate(('student', 10, 20))
    found.update(0, 'evaluations', 1, 1.0)
    found.update(0, 'epochs', 4, 2.0)
    found.update(0, 'epochs', 5, 6.0)
    assert found.share_and_rest()[1] == pytest.approx(30)


def test_pace_of_a_new_run_takes_over_little_by_little():
    found = estimate(('a', 10, 20), ('b', 10, 20))
    found.update(0, 'evaluations', 1, 1.0)
    found.update(1, 'evaluations', 1, 1.0)
    found.update(0, 'epochs', 10, 2.0)
    rests = []
    for steps in range(11):
        # It takes twice as long as the former one.
        found.update(1, 'epochs', 0, 4.0, trust=steps / 10)
        rests.append(found.share_and_rest()[1])
    assert rests == pytest.approx([20 + 2 * steps for steps in range(11)])


def test_share_never_falls():
    found = estimate(('teacher', 10, 5), ('student', 10, 5), ('fitnet', 10, 5))
    shares = []
    for index, epoch in itertools.product(range(3), range(1, 11)):
        # Paces that go up and down, and one that is ten times what was expected.
        found.update(index, 'epochs', epoch, (1, 3, 2)[epoch % 3] * 10 ** (index == 2))
        if epoch % 5 == 0:
            found.update(index, 'evaluations', epoch / 5, epoch)
        shares.append(found.share_and_rest()[0])
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_finished_runs_count_with_their_times():
    found = estimate(('teacher', 10, 5), ('student', 10, 5), ('teacher', 10, 5))
    found.finish(0, result(2, training=30.0, evaluation=8.0, last=10))
    found.finish(1, result(2, training=20.0, evaluation=4.0, last=10))
    assert found.share_and_rest() == (pytest.approx(62 / 100), pytest.approx(38))


def test_run_that_ended_early_leaves_nothing():
    found = estimate(('teacher', 100, 5))
    found.finish(0, result(2, training=30.0, evaluation=8.0, last=10))
    assert found.share_and_rest() == (1, 0)


def test_run_that_failed_leaves_nothing():
    found = estimate(('teacher', 10, 20), ('student', 10, 20))
    found.update(1, 'epochs', 5, 2.0)
    found.update(1, 'evaluations', 1, 2.0)
    found.drop(0)
    assert found.share_and_rest()[1] == pytest.approx(10)
