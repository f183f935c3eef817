import json

import pytest
from results_of import result

from mmreviewkd.errors import UsageError
from mmreviewkd.results.file import read_results_file, write_results
from mmreviewkd.results.results import Results
from mmreviewkd.results.table import table, weak_teachers

ABOUT = dict(command='compare.py bccd', data=dict(name='bccd'))


@pytest.fixture
def results():
    student = result(0.078, 0.05, epochs=(0.04, 0.078), step=0.2)
    student |= dict(
        steps=30,
        gflops=0.6,
        latency_ms=20.5,
        input_size=[64, 48],
        class_ap=dict(box=dict(cat=7.8, dog=None)),
        resampled=dict(images=9, box=[6.0, 9.0], mask=[4.0, 6.0]),
    )
    student['final']['coco/bbox_mAP_l'] = -1.0
    return Results(
        dict(
            teacher={0: result(0.5, 0.4)},
            student={0: student, 1: result(0.1, 0.04, seed=1)},
            a={0: result(0.12, 0.08), 1: None},
        ),
        kinds=('box', 'mask'),
        one_teacher=True,
    )


@pytest.fixture
def path(results, tmp_path):
    write_results(results, tmp_path / 'results.json', ABOUT)
    return tmp_path / 'results.json'


def test_results_are_the_same_when_read_again(results, path):
    found, about = read_results_file(path)
    assert about == ABOUT
    assert table(found) == table(results)
    assert found.noise == results.noise
    assert found.missing == results.missing
    assert found.values('student') == results.values('student')
    assert found.class_aps('student', 'box') == results.class_aps('student', 'box')


def test_given_teacher_is_still_known_as_such(tmp_path):
    given = result(0.3) | dict(checkpoint='/home/me/teacher.pth')
    results = Results(dict(teacher={0: given}, student={0: result(0.3)}))
    path = tmp_path / 'results.json'
    write_results(results, path, ABOUT)
    (text,) = weak_teachers(read_results_file(path).results)
    assert 'train it on the data (--train-teacher)' in text
    # Former files do not have the field.
    data = json.loads(path.read_text())
    assert data['runs']['teacher']['0'].pop('checkpoint') == 'teacher.pth'
    path.write_text(json.dumps(data))
    (text,) = weak_teachers(read_results_file(path).results)
    assert 'train it longer (--teacher-epochs)' in text


def test_ap_is_in_points_everywhere(path):
    data = json.loads(path.read_text())
    run = data['runs']['student']['0']
    assert run['AP']['box']['AP'] == 7.8 and run['AP']['mask']['AP'] == 5.0
    assert run['AP']['box']['APl'] is None
    assert run['class_AP'] == dict(box=dict(cat=7.8, dog=None))
    assert run['AP_by_epoch'] == [
        dict(epoch=2, box=4.0, mask=2.0),
        dict(epoch=4, box=7.8, mask=3.9),
    ]
    assert 'coco/' not in path.read_text()


def test_fields(path):
    data = json.loads(path.read_text())
    assert data['schema'] == 1 and data['kinds'] == ['box', 'mask']
    assert data['missing'] == dict(teacher=[], student=[], a=[1])
    run = data['runs']['student']['0']
    assert run['step_seconds'] == 0.2 and run['steps'] == 30
    assert run['gflops'] == 0.6 and run['latency_ms'] == 20.5
    # Not measured.
    assert data['runs']['a']['0']['gflops'] is None
    gain = data['summary']['a']['box gain']
    assert gain == dict(values=[4.2], mean=4.2, std=None, interval=None, bootstrap=None)


@pytest.mark.parametrize(
    'content, message',
    [
        ('[1]', r'schema 1, found none'),
        ('{"schema": 7}', r'schema 1, found 7'),
        ('{"schema": 1, "runs": {}}', 'lacks about, kinds, one_teacher, quick'),
        ('{', 'cannot be read'),
    ],
)
def test_other_files(tmp_path, content, message):
    (tmp_path / 'other.json').write_text(content)
    with pytest.raises(UsageError, match=message):
        read_results_file(tmp_path / 'other.json')
    with pytest.raises(UsageError, match='none.json cannot be read'):
        read_results_file(tmp_path / 'none.json')


def test_files_of_ap_alone(path):
    """As those that were written from tables."""
    data = json.loads(path.read_text())
    for runs in data['runs'].values():
        for run in runs.values():
            aps = run['AP']
            run.clear()
            run['AP'] = dict(box=dict(AP=aps['box']['AP']))
    data = {key: data[key] for key in data if key not in ('noise', 'missing')}
    path.write_text(json.dumps(data | dict(kinds=['box'])))
    found, _ = read_results_file(path)
    assert found.scores('student', 'box') == pytest.approx({0: 7.8, 1: 10.0})
    assert found.values('student')['box AP50'] == {}
    assert '| student alone |' in table(found)
