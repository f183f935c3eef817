import json
import runpy

import cv2
import numpy as np
import pytest
import torch
import toys
from coco_sets import write_coco
from mmengine.config import Config
from pycocotools.coco import COCO
from runs import coco_run

from mmreviewkd.distillers import publish_student
from mmreviewkd.errors import UsageError
from mmreviewkd.inference import find_model
from mmreviewkd.predict import find_images, predict

TOOLS = toys.CONFIGS.parent / 'tools'
CLASSES = ('cat', 'dog', 'emu')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp('data'), names=CLASSES, images_each=3)


@pytest.fixture(scope='module')
def published(data, tmp_path_factory):
    """A Mask R-CNN that finds something everywhere."""
    folder = tmp_path_factory.mktemp('published')
    detector = toys.detector('mrcnn')
    detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    cfg = coco_run('reviewkd_mrcnn.py', data, CLASSES, masks=True)
    cfg.model = toys.distilled(None, student=detector, teacher=detector)
    meta = dict(dataset_meta=dict(classes=CLASSES))
    state = toys.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta=meta), folder / 'run.pth')
    publish_student(cfg, str(folder / 'run.pth'), folder / 'out')
    return folder / 'out'


def test_pictures_and_results(published, data, tmp_path, monkeypatch, capsys):
    ann_file = data / 'annotations' / 'instances_val.json'
    images = [data / 'images' / f'1{i}.png' for i in range(3)]
    arguments = [published, *images, '--out-dir', tmp_path, '--ann-file', ann_file]
    monkeypatch.setattr('sys.argv', ['predict.py', *map(str, arguments)])
    runpy.run_path(str(TOOLS / 'predict.py'), run_name='__main__')
    assert str(tmp_path / 'predictions.json') in capsys.readouterr().out
    pictures = sorted(path.name for path in (tmp_path / 'pictures').iterdir())
    assert pictures == ['0_10.jpg', '1_11.jpg', '2_12.jpg']
    assert cv2.imread(str(tmp_path / 'pictures' / pictures[0])).shape == (64, 64, 3)
    # pycocotools takes them, for boxes and masks.
    results = json.loads((tmp_path / 'predictions.json').read_text())
    found = COCO(str(ann_file)).loadRes(results)
    assert {one['image_id'] for one in results} == {0, 1, 2}
    assert {one['category_id'] for one in results} <= {7, 8, 9}
    assert len(results) == 15
    assert found.annToMask(found.dataset['annotations'][0]).shape == (64, 64)


def test_broken_images_are_passed_over(published, data, tmp_path):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no image')
    said = []
    cfg = Config.fromfile(published / 'student.py')
    with pytest.raises(UsageError, match='1 of 2 images cannot be read') as error:
        predict(
            cfg,
            str(published / 'student.pth'),
            [broken, data / 'images' / '10.png'],
            tmp_path / 'out',
            say=said.append,
        )
    assert 'broken.png' in str(error.value)
    assert said[0] == 'predicting on 2 images' and 'passed over' in said[1]
    results = json.loads((tmp_path / 'out' / 'predictions.json').read_text())
    assert {one['image_id'] for one in results} == {2}
    numbers = json.loads((tmp_path / 'out' / 'images.json').read_text())
    assert [one['name'] for one in numbers['categories']] == list(CLASSES)
    assert numbers['images'][1]['file_name'].endswith('10.png')


def test_images_that_an_annotation_file_lacks(published, data, tmp_path):
    cfg = Config.fromfile(published / 'student.py')
    image = tmp_path / 'new.png'
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    ann_file = data / 'annotations' / 'instances_val.json'
    with pytest.raises(UsageError, match=r'(?s)does not have all images.*new\.png'):
        predict(
            cfg, str(published / 'student.pth'), [image], tmp_path, ann_file=ann_file
        )


@pytest.mark.parametrize('names', [('a/0.png', 'b/0.png'), ('0.png', '0.png')])
def test_images_of_one_name_in_two_folders(published, tmp_path, names):
    paths = [tmp_path / 'set' / folder / '0.png' for folder in 'ab']
    for path in paths:
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    content = dict(
        images=[
            dict(id=id, file_name=name) for id, name in zip((5, 3), names, strict=True)
        ],
        categories=[dict(id=id, name=name) for id, name in enumerate(CLASSES, 1)],
        annotations=[],
    )
    ann_file = tmp_path / 'instances.json'
    ann_file.write_text(json.dumps(content))
    cfg = Config.fromfile(published / 'student.py')
    weights = str(published / 'student.pth')

    def run():
        predict(cfg, weights, paths, tmp_path / 'out', ann_file=ann_file)

    if names[0] == names[1]:
        with pytest.raises(UsageError, match=r'has 2 images 0\.png'):
            run()
        return
    run()
    found = json.loads((tmp_path / 'out' / 'predictions.json').read_text())
    assert {one['image_id'] for one in found} == {3, 5}


def test_another_models_checkpoint_is_refused(published, tmp_path):
    other = toys.save_teacher(toys.detector(), tmp_path / 'other.pth')
    cfg = Config.fromfile(published / 'student.py')
    with pytest.raises(UsageError, match=r'other\.pth does not fit'):
        predict(cfg, other, [], tmp_path)


def test_images_in_folders(tmp_path):
    (tmp_path / 'a' / 'b').mkdir(parents=True)
    for name in ('a/b/2.PNG', 'a/1.jpg', 'a/notes.txt', 'x.bin'):
        (tmp_path / name).touch()
    (tmp_path / 'a/folder.png').mkdir()
    found = find_images([tmp_path / 'x.bin', tmp_path / 'a'])
    assert [path.name for path in found] == ['x.bin', '1.jpg', '2.PNG']
    with pytest.raises(FileNotFoundError, match=r"there is no image 'gone\.png'"):
        find_images(['gone.png'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UsageError, match=r'empty holds no image \(\.bmp, '):
        find_images([tmp_path / 'empty'])


def test_config_and_checkpoint_of_a_command_line(tmp_path):
    assert find_model('c.py', ['a.pth', 'x.jpg']) == ('c.py', 'a.pth', ['x.jpg'])
    folder = str(tmp_path)
    own = (f'{folder}/student.py', f'{folder}/student.pth')
    assert find_model(folder, ['x.jpg']) == (*own, ['x.jpg'])
    assert find_model(folder, ['a.pth', 'x']) == (own[0], 'a.pth', ['x'])
    with pytest.raises(UsageError, match=r'c\.py is no folder .* checkpoint'):
        find_model('c.py', ['x.jpg'])
