from dataclasses import replace
from urllib.error import URLError

import pytest
import torch
import toys

from mmreviewkd.job import Detectors, JobError, trained_teacher
from mmreviewkd.job.job_configs import load_configs
from mmreviewkd.job.pair import read_pair
from mmreviewkd.job.trained_teacher import TrainedTeacher


@pytest.fixture
def checkpoint(tmp_path):
    """A function that writes the checkpoint of a teacher with some classes."""

    def write(*classes):
        path = tmp_path / 'teacher.pth'
        meta = dict(dataset_meta=dict(classes=classes)) if classes else {}
        torch.save(dict(state_dict=dict(a=torch.zeros(1)), meta=meta), path)
        return Detectors(teacher_checkpoint=str(path))

    return write


@pytest.fixture(scope='module')
def read(configs):
    """A function that reads the demo's teacher, with a checkpoint."""
    pair = read_pair(Detectors(), configs / 'reviewkd_frcnn.py')

    def read_with(names):
        return TrainedTeacher.of(replace(pair, checkpoint=names.teacher_checkpoint))

    return read_with


def test_classes_of_the_checkpoint(checkpoint, read):
    teacher = read(checkpoint('a', 'b', 'c'))
    # The config's are ten.
    assert teacher.num_classes == 3 and teacher.classes == ('a', 'b', 'c')
    assert teacher.knows(('a', 'b', 'c'))
    said = []
    assert not teacher.knows(('a', 'c', 'b'), said.append)
    assert 'in another order (a, b, c; the data: a, c, b), so its AP' in said[0]
    assert not teacher.knows(('a', 'd'), said.append)
    assert 'has 3 classes, and not those of the data (it lacks d), so' in said[1]
    assert not teacher.knows(('a', 'b'), said.append)
    assert 'has 3 classes, and not those of the data, so its AP' in said[2]


def test_unnamed_classes(checkpoint, read):
    teacher = read(checkpoint())
    assert teacher.num_classes == 10 and teacher.classes is None
    said = []
    assert teacher.knows(range(10), said.append)
    assert 'does not name its classes' in said[0]
    assert not teacher.knows(range(9), said.append)
    assert 'has 10 classes by its config, and its checkpoint does not name' in said[1]


def test_random_and_none(read):
    assert read(Detectors()) is None
    said = []
    teacher = read(Detectors(teacher_checkpoint='random'))
    assert not teacher.knows(range(10), said.append)
    assert 'the teacher is random' in said[0]


@pytest.mark.parametrize('content', [None, b'no checkpoint'])
def test_wrong_files(tmp_path, read, content):
    path = tmp_path / 'teacher.pth'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JobError, match='--teacher-checkpoint') as error:
        read(Detectors(teacher_checkpoint=str(path)))
    assert '\n' not in str(error.value)


def test_no_network(read, monkeypatch):
    def fail(path):
        raise URLError('no network')

    monkeypatch.setattr(trained_teacher, 'read_weights', fail)
    with pytest.raises(JobError, match='cannot be downloaded.*--train-teacher'):
        read(Detectors(teacher_checkpoint='https://x/y.pth'))


def test_heads_have_the_classes_of_their_own(checkpoint, configs, boxes):
    """The teacher those of its checkpoint, the student those of the data."""
    cfgs = load_configs(configs, boxes, detectors=checkpoint('a', 'b', 'c'))
    assert set(cfgs) == {'student', 'distilled'}
    model = cfgs['distilled'].model
    assert model.teacher.roi_head.bbox_head.num_classes == 3
    assert model.student.roi_head.bbox_head.num_classes == 2
    cfgs = load_configs(configs, boxes, detectors=checkpoint('cat', 'dog'))
    teacher = cfgs['teacher']
    assert teacher.model.roi_head.bbox_head.num_classes == 2
    assert teacher.train_cfg.max_epochs == 0
    assert teacher.load_from == cfgs['distilled'].model.teacher_checkpoint
    assert toys.build(teacher.model).roi_head.bbox_head.num_classes == 2


def test_nothing_is_downloaded_for_a_trained_teacher(checkpoint, configs, boxes):
    names = replace(
        checkpoint('cat', 'dog'),
        pair=str(configs.parent / 'reviewkd_frcnn_r101_r50.py'),
    )
    cfgs = load_configs(configs, boxes, detectors=names)
    assert cfgs['teacher'].model.backbone.init_cfg is None
    assert cfgs['distilled'].model.teacher.backbone.init_cfg is None
    assert cfgs['student'].model.backbone.init_cfg.checkpoint
