import itertools

import pytest
from mmengine.config import Config

from mmreviewkd.job.estimate import Estimate
from mmreviewkd.job.plan import Run


def estimate(*runs, checkpoint=None):
    """Of runs with a name, a number of epochs and an interval of evaluations."""
    return Estimate(
        [
            Run(
                name,
                None,
                Config(dict(train_cfg=dict(max_epochs=epochs, val_interval=interval))),
                checkpoint=checkpoint,
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
    # Five epochs and an evaluation of the teacher, with the usual weights.
    done = 5 * 1.6 + 0.8
    everything = (10 * 1.6 + 2 * 0.8) + (10 + 2 * 0.5) + (8 * 1.4 + 2 * 0.5)
    assert share == pytest.approx(done / everything)


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
    share = (17.6 + 11) / (2 * 17.6 + 11)
    assert found.share_and_rest() == (pytest.approx(share), pytest.approx(38))


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


def test_share_is_the_same_when_the_job_is_taken_up_again():
    """Whatever pace is measured first by then."""
    runs = (('teacher', 12, 4), ('student', 8, 4), ('fitnet', 8, 4))
    before = estimate(*runs)
    before.finish(0, result(3, training=600.0, evaluation=60.0, last=12))
    before.update(1, 'epochs', 5, 30.0)
    before.update(1, 'evaluations', 1, 10.0)
    shares = []
    for pace in (0.3, 30.0, 3000.0):
        again = estimate(*runs)
        again.finish(0, result(3, training=600.0, evaluation=60.0, last=12))
        again.update(1, 'evaluations', 1, 10.0)
        again.update(1, 'epochs', 5, pace, trust=0.5)
        shares.append(again.share_and_rest()[0])
    assert shares == pytest.approx(3 * [before.share_and_rest()[0]])


def test_share_rises_through_the_last_run():
    """However slow it is beside what was expected of it."""
    found = estimate(('teacher', 9, 3), ('student', 5, 5), ('fitnet', 5, 5))
    found.finish(0, result(3, training=9.0, evaluation=3.0, last=9))
    found.finish(1, result(1, training=5.0, evaluation=1.0, last=5))
    shares = []
    for epoch in range(6):
        found.update(2, 'epochs', epoch, 500.0)
        shares.append(found.share_and_rest()[0])
    steps = [after - before for before, after in itertools.pairwise(shares)]
    assert steps == pytest.approx(5 * [steps[0]]) and steps[0] > 0.03


def test_first_slow_steps_make_no_estimate():
    found = estimate(('teacher', 10, 5), ('student', 10, 5))
    found.update(0, 'epochs', 0.01, 900.0, trust=0.06)
    assert found.share_and_rest()[1] is None
    found.update(0, 'epochs', 0.2, 9.0, trust=0.4)
    before = found.share_and_rest()[1]
    # Nor does the first image of an evaluation.
    found.update(0, 'epochs', 5, 9.0)
    expected = found.share_and_rest()[1]
    found.update(0, 'evaluations', 0.01, 600.0, trust=0.01)
    assert found.share_and_rest()[1] == pytest.approx(expected, rel=0.01)
    assert expected < before


def test_trial_tells_before_the_first_step():
    found = estimate(('teacher', 10, 5), ('student', 10, 5), ('fitnet', 8, 4))
    found.expect('teacher', 3.0, 10.0)
    found.expect('student', 2.0, 4.0)
    found.expect('fitnet', 2.5, 5.0)
    trial = (30 + 20) + (20 + 8) + (20 + 10)
    assert found.share_and_rest() == (0, pytest.approx(trial))
    # What is measured takes over little by little, from the first step on.
    found.update(0, 'epochs', 0, 6.0, trust=0.1)
    # The others are taken to be slower by as much: 3.3 s in the place of 3.
    trainings = 1.1 * (30 + 20 + 20)
    assert found.share_and_rest()[1] == pytest.approx(trainings + 20 + 8 + 10)
    found.update(0, 'epochs', 10, 6.0)
    found.update(0, 'evaluations', 2, 5.0)
    assert found.share_and_rest()[1] == pytest.approx(2 * (20 + 20) + (8 + 10) / 2)


def test_runs_that_were_not_tried():
    """Since they are begun: they cost as usual beside those that were."""
    found = estimate(('teacher', 10, 20), ('student', 10, 20))
    found.expect('student', 2.0, 0.0)
    found.update(0, 'evaluations', 1, 0.0)
    assert found.share_and_rest()[1] == pytest.approx(10 * 1.6 * 2 + 20)


def test_given_teacher_is_evaluated_once():
    found = estimate(('teacher', 0, 1), checkpoint='teacher.pth')
    found.expect('teacher', 0.0, 10.0)
    assert found.share_and_rest() == (0, pytest.approx(10))
    found.update(0, 'evaluations', 0.5, 20.0, trust=0.5)
    assert found.share_and_rest() == (pytest.approx(0.5), pytest.approx(7.5))


def test_evaluations_alone_tell_nothing_of_trainings():
    found = estimate(('teacher', 10, 5))
    found.update(0, 'evaluations', 1, 600.0)
    assert found.share_and_rest()[1] is None
