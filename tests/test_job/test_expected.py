from types import SimpleNamespace

import pytest

from mmreviewkd.job.expected import Expected, announcement, mixed_up


def expected(name, parameters=1_000_000, checkpoint=None, seed=0, **changes):
    run = SimpleNamespace(name=name, checkpoint=checkpoint, seed=seed)
    fields = dict(
        epochs=10,
        images=100,
        batch=8,
        others=0,
        epoch_seconds=6.0,
        evaluations=2,
        evaluation_seconds=3.0,
        memory=0,
    )
    return Expected(run, parameters, **fields | changes)


def test_time():
    one = expected('student')
    assert one.seconds == 66
    half = one.shared_by(2)
    assert (half.seconds, half.epoch_seconds, half.evaluation_seconds) == (33, 3, 1.5)


def test_announcement():
    runs = [
        expected('teacher', 2_500_000, 't.pth', epoch_seconds=0.0, images=50),
        expected('student', others=4),
        expected('student', others=4, seed=1),
    ]
    text = announcement(runs, on_gpu=False)
    assert 'teacher                2.50 M parameters  trained, measured on 50' in text
    assert '10 epochs of 100 images in batches of 8 and 4 more, about 1:06' in text
    assert text.count('student') == 1 and 'each with the seeds 0, 1' in text
    assert 'in all about 2:18, and ' in text
    runs = [expected('student', memory=3 * 2**30)]
    assert 'about 1:06, 3.0 GiB\n' in announcement(runs, on_gpu=True)
    assert '3.0 GiB of the GPU of memory' in announcement(runs, on_gpu=True)


@pytest.mark.parametrize(
    'teacher, student, said', [(2, 1, False), (1, 1, False), (1, 2, True)]
)
def test_student_that_is_larger(teacher, student, said):
    runs = [expected('teacher', teacher), expected('student', student)]
    assert ('are they mixed up?' in mixed_up(runs)) == said
    assert not mixed_up(runs[1:])
