"""Which process does which run; the training itself is a stand-in."""

import copy
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest
from filelock import FileLock
from mmengine.config import Config

from mmreviewkd.files import write_json
from mmreviewkd.job import JobError, sharing
from mmreviewkd.job.plan import PseudoLabels, Run
from mmreviewkd.job.progress import Console

FORK = multiprocessing.get_context('fork')


@pytest.fixture
def runs(tmp_path):
    """A teacher, and students of which the last two need it."""
    teacher = None
    runs = []
    for name in ('teacher', 'student', 'fitnet', 'review'):
        cfg = Config(
            dict(
                model=dict(type='RetinaNet'),
                train_cfg=dict(max_epochs=1),
                randomness=dict(seed=0),
                work_dir=str(tmp_path / name),
            )
        )
        needs = None if name in ('teacher', 'student') else teacher
        runs.append(Run(name, tmp_path / name, cfg, needs))
        teacher = runs[0]
    return runs


def stand_in(log, seconds=0.0, failing=()):
    """Something in place of training, which notes the runs that it is given."""

    def train(run, hook, warnings):
        with open(log, 'a') as file:
            file.write(f'{run.name} {os.getpid()}\n')
        time.sleep(seconds)
        if run.name in failing:
            raise ValueError('no such method')
        result = dict(
            training_seconds=1.0, evaluation_seconds=1.0, epochs=[dict(epoch=1)]
        )
        run.config.dump(run.folder / 'config.py')
        write_json(run.folder / 'result.json', result)
        return result

    return train


def done(log):
    return [line.split() for line in log.read_text().splitlines()]


def do_runs(runs, train):
    """As a process of its own would; return the names of failed runs."""
    sharing.train = train
    return [run.name for run in sharing.do_runs(runs, Console())]


def start(*args):
    process = FORK.Process(target=do_runs, args=args)
    process.start()
    return process


@pytest.fixture(autouse=True)
def _original_train(monkeypatch):
    monkeypatch.setattr(sharing, 'train', sharing.train)


def test_one_process_does_all_in_their_order(runs, tmp_path, capsys):
    calls = []
    sharing.train = stand_in(tmp_path / 'log')
    assert not sharing.do_runs(runs, Console(), lambda: calls.append(1))
    assert [name for name, _ in done(tmp_path / 'log')] == [run.name for run in runs]
    assert len(calls) == 4
    # Nothing is done twice.
    capsys.readouterr()
    assert not sharing.do_runs(runs, Console())
    assert len(done(tmp_path / 'log')) == 4
    assert '[4/4 review, seed 0] finished before' in capsys.readouterr().out


def test_two_processes_share_the_runs(runs, tmp_path):
    log = tmp_path / 'log'
    processes = [start(runs, stand_in(log, seconds=0.3)) for _ in range(2)]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    names, pids = zip(*done(log), strict=True)
    assert sorted(names) == ['fitnet', 'review', 'student', 'teacher']
    # The second takes the student while the first does the teacher.
    assert names[:2] in (('teacher', 'student'), ('student', 'teacher'))
    assert len(set(pids)) == 2
    assert all((run.folder / 'result.json').is_file() for run in runs)


def test_run_of_a_killed_process_is_taken_over(runs, tmp_path, capfd):
    log = tmp_path / 'log'
    first = start(runs[:1], stand_in(log, seconds=60))
    while not log.is_file():
        time.sleep(0.01)
    second = start(runs, stand_in(log))
    # It does the student, and then has to wait for the teacher.
    out = ''
    while 'waiting' not in out:
        time.sleep(0.05)
        out += capfd.readouterr().out
    assert len(done(log)) == 2
    os.kill(first.pid, signal.SIGKILL)
    second.join(30)
    assert second.exitcode == 0
    first.join(30)
    assert [name for name, _ in done(log)] == [
        'teacher', 'student', 'teacher', 'fitnet', 'review'
    ]  # fmt: skip


def test_failing_run_does_not_end_the_others(runs, tmp_path, capsys):
    log = tmp_path / 'log'
    assert do_runs(runs, stand_in(log, failing=['fitnet'])) == ['fitnet']
    assert [name for name, _ in done(log)][-1] == 'review'
    out = capsys.readouterr().out
    assert '[3/4 fitnet, seed 0] failed: ValueError: no such method' in out
    assert 'Traceback' in (tmp_path / 'fitnet/error.txt').read_text()
    # Mended, it is done by the same command, and it alone.
    assert do_runs(runs, stand_in(log)) == []
    assert [name for name, _ in done(log)][4:] == ['fitnet']
    assert not (tmp_path / 'fitnet/error.txt').exists()


def test_what_needs_a_failed_run_fails_too(runs, tmp_path, capsys):
    log = tmp_path / 'log'
    failed = do_runs(runs, stand_in(log, failing=['teacher']))
    assert failed == ['teacher', 'fitnet', 'review']
    assert [name for name, _ in done(log)] == ['teacher', 'student']
    assert 'fitnet, seed 0] cannot be done without the teacher' in (
        capsys.readouterr().out
    )


def test_failure_of_another_process_is_not_repeated(runs, tmp_path, capsys):
    log = tmp_path / 'log'

    def train(run, hook, warnings):
        # Meanwhile another process tries the student.
        (tmp_path / 'student').mkdir()
        (tmp_path / 'student/error.txt').write_text('Traceback')
        return stand_in(log)(run, hook, warnings)

    assert do_runs(runs[:2], train) == ['student']
    assert [name for name, _ in done(log)] == ['teacher']
    assert 'student, seed 0] failed in another process' in capsys.readouterr().out


@pytest.fixture
def with_labels(runs, tmp_path):
    """Two seeds of such runs, of which the last of each needs pseudo labels."""
    labels = [
        PseudoLabels(tmp_path / 'labels.json', runs[0], 'more', 0.5) for _ in range(2)
    ]
    review = replace(runs[3], pseudo_labels=labels[0])
    again = replace(review, folder=tmp_path / 'again', pseudo_labels=labels[1])
    return [*runs[:3], review, again]


def labelling(log, seconds=0.0, error=None):
    """Something in place of the teacher's predictions."""

    def label(labels):
        with open(log, 'a') as file:
            file.write(f'labels {os.getpid()}\n')
        time.sleep(seconds)
        if error:
            raise error
        write_json(labels.path, {})
        return '7 pseudo labels'

    return label


def test_pseudo_labels_are_written_once(with_labels, tmp_path, monkeypatch, capsys):
    log = tmp_path / 'log'
    monkeypatch.setattr(sharing, 'label_images', labelling(log))
    assert do_runs(with_labels, stand_in(log)) == []
    names = [name for name, _ in done(log)]
    assert names == ['teacher', 'labels', 'student', 'fitnet', 'review', 'review']
    out = capsys.readouterr().out
    assert 'teacher, seed 0 labels the images in more, score 0.5 and more' in out
    assert '7 pseudo labels' in out
    # A run that is yet to be done takes the same file.
    (with_labels[4].folder / 'result.json').unlink()
    assert do_runs(with_labels, stand_in(log)) == []
    assert [name for name, _ in done(log)][6:] == ['review']


def test_two_processes_write_pseudo_labels_once(with_labels, tmp_path, monkeypatch):
    log = tmp_path / 'log'
    monkeypatch.setattr(sharing, 'label_images', labelling(log, seconds=0.3))
    # One of them finds the teacher finished.
    do_runs(with_labels[:1], stand_in(log))
    processes = [start(with_labels, stand_in(log, seconds=0.1)) for _ in range(2)]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    names = [name for name, _ in done(log)]
    assert sorted(names) == [
        'fitnet', 'labels', 'review', 'review', 'student', 'teacher'
    ]  # fmt: skip
    assert names.index('labels') < names.index('review')


def test_runs_fail_without_pseudo_labels(with_labels, tmp_path, monkeypatch, capsys):
    log = tmp_path / 'log'
    error = ValueError('no prediction reaches its threshold')
    monkeypatch.setattr(sharing, 'label_images', labelling(log, error=error))
    assert do_runs(with_labels, stand_in(log)) == ['review', 'review']
    names = [name for name, _ in done(log)]
    assert names == ['teacher', 'labels', 'student', 'fitnet']
    assert '[4/5 review, seed 0] failed: no prediction' in capsys.readouterr().out
    assert 'no prediction' in (tmp_path / 'review/error.txt').read_text()
    monkeypatch.setattr(sharing, 'label_images', labelling(log))
    assert do_runs(with_labels, stand_in(log)) == []


def test_locks_are_given_back(runs, tmp_path):
    do_runs(runs, stand_in(tmp_path / 'log', failing=['student']))
    for run in runs:
        FileLock(run.folder / 'lock', blocking=False).acquire()


def test_failed_runs_are_named(runs):
    sharing.raise_if_any([])
    with pytest.raises(JobError, match='2 runs failed') as error:
        sharing.raise_if_any(runs[2:])
    assert f'fitnet, seed 0: {runs[2].folder}/error.txt' in str(error.value)
    with pytest.raises(JobError, match='1 run failed'):
        sharing.raise_if_any(runs[:1])


def test_run_that_another_job_does_meanwhile(runs, tmp_path):
    """It has other settings, and there was nothing to compare at the start."""
    log = tmp_path / 'log'
    cfg = copy.deepcopy(runs[1].config)
    cfg.train_cfg.max_epochs = 9
    other = replace(runs[1], config=cfg)

    def train(run, hook, warnings):
        other.folder.mkdir()
        stand_in(log)(other, hook, warnings)
        return stand_in(log)(run, hook, warnings)

    with pytest.raises(JobError, match='student was begun with other settings') as told:
        do_runs(runs[:2], train)
    assert 'train_cfg.max_epochs: 9 -> 1' in str(told.value)
    assert [name for name, _ in done(log)] == ['student', 'teacher']
