import pytest
from mmengine.logging import MMLogger
from work_dirs import step, write_session

from mmreviewkd.compat.versions import in_use
from mmreviewkd.launch import log_versions
from mmreviewkd.report import read_runs
from mmreviewkd.version import __version__


def test_training_and_evaluation(tmp_path):
    points = [step(50, loss=2.0), {'coco/bbox_mAP': 0.5, 'step': 1}]
    folder = write_session(tmp_path / 'run', '20260101_000000', points)
    (run,) = read_runs([folder])
    assert run.name == 'run' and run.folder == folder
    assert run.training == points[:1] and run.evaluation == points[1:]
    assert run.evaluated_at == 'epoch'
    assert run.config == {'a': 1}


def test_what_was_done_again_counts_once(tmp_path):
    folder = tmp_path / 'run'
    first = [step(n, loss=float(n)) for n in (10, 20, 30, 40)]
    write_session(folder, '20260101_000000', [*first, dict(ap=0.1, step=1)])
    # Went on from step 20, at which an evaluation was still due.
    again = [step(30, loss=31.0), dict(ap=0.2, step=1), dict(ap=0.3, step=2)]
    write_session(folder, '20260102_000000', again, config='a = 2\n')
    (run,) = read_runs([folder])
    assert [point['loss'] for point in run.training] == [10, 20, 31]
    assert [point['ap'] for point in run.evaluation] == [0.2, 0.3]
    assert run.config == {'a': 2}


def test_iterations_where_no_epochs_are_counted(tmp_path):
    folder = write_session(
        tmp_path / 'run', '20260101_000000', [dict(loss=1.0, iter=5, step=5)]
    )
    assert read_runs([folder])[0].evaluated_at == 'iteration'


def test_folder_of_runs(tmp_path):
    for name, time in (('seed_0/b', 2), ('seed_0/a', 3), ('seed_1/b', 1)):
        write_session(tmp_path / 'job' / name, f'2026010{time}_000000', [])
    assert [run.name for run in read_runs([tmp_path / 'job'])] == [
        'seed_0/b',
        'seed_0/a',
        'seed_1/b',
    ]
    twice = read_runs([tmp_path / 'job', tmp_path / 'job' / 'seed_0'])
    assert len(twice) == 3


def test_line_that_is_being_written(tmp_path):
    folder = write_session(tmp_path / 'run', '20260101_000000', [step(1, loss=1.0)])
    with open(folder / '20260101_000000/vis_data/scalars.json', 'a') as file:
        file.write('{"loss": 0.')
    assert len(read_runs([folder])[0].training) == 1


def test_folder_without_a_training(tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no log of a training'):
        read_runs([tmp_path])


def test_versions(tmp_path):
    session = tmp_path / 'run' / '20260101_000000'
    session.mkdir(parents=True)
    logger = MMLogger.get_instance(
        'versions', log_file=str(session / '20260101_000000.log'), distributed=False
    )
    logger.info('\n    PyTorch: 2.9.0+cu130\n    PyTorch compiling details: a\n')
    log_versions()
    logger.info('Config:\nPython: 1')
    log = (session / '20260101_000000.log').read_text()
    (run,) = read_runs(
        [write_session(tmp_path / 'other', '20260101_000000', [], log=log)]
    )
    assert run.versions['PyTorch'] == '2.9.0+cu130'
    assert run.versions['mmreviewkd'] == __version__
    assert in_use().items() <= run.versions.items()
    assert 'Python' not in run.versions
