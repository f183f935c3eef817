from types import SimpleNamespace

import pytest
from coco_sets import change, write_coco
from results_of import by_seed

from mmreviewkd.data_folders import open_folder
from mmreviewkd.job.plot_predictions import IMAGES, _choose, _read_truth
from mmreviewkd.results.results import Results


def test_annotations_of_the_classes_used(tmp_path, masks):
    files, truth = _read_truth(masks)
    assert [file.name for file in files] == ['10.png', '11.png']
    assert [objects.labels.tolist() for objects in truth] == [[0, 1], [0, 1]]
    # x, y, width and height are 4, 4, 20, 10.
    assert truth[0].bboxes.tolist() == [[4, 4, 24, 14]] * 2
    assert truth[0].masks.shape == (2, 64, 64)
    assert truth[0].masks[0].sum() == pytest.approx(20 * 10, abs=40)

    dogs = open_folder(write_coco(tmp_path / 'boxes'), ['dog'])
    _, truth = _read_truth(dogs)
    assert truth[0].labels.tolist() == [0] and 'masks' not in truth[0]


def test_images_are_spread_evenly(tmp_path):
    write_coco(tmp_path, images_each=3 * IMAGES + 1)
    change(tmp_path, lambda coco: coco['annotations'].pop(0))
    files, _ = _read_truth(open_folder(tmp_path))
    assert [file.name for file in files] == ['10.png', '14.png', '18.png', '112.png']


def test_annotations_of_unlisted_images_are_left_out(tmp_path):
    write_coco(tmp_path)
    change(tmp_path, lambda coco: coco['annotations'][0].update(image_id=99))
    files, truth = _read_truth(open_folder(tmp_path))
    assert [file.name for file in files] == ['10.png', '11.png']
    assert [len(objects) for objects in truth] == [1, 2]


def test_detectors_of_the_first_seed_that_are_finished():
    names = ('student', 'low', 'a', 'b', 'c', 'unfinished')
    runs = [SimpleNamespace(name='teacher', seed=0)] + [
        SimpleNamespace(name=name, seed=seed) for seed in (2, 1) for name in names
    ]
    aps = dict(low=0.1, a=0.4, b=0.5, c=0.6, student=0.3, unfinished=None)
    finished = {name: {2: by_seed(ap)[0], 1: None} for name, ap in aps.items()}
    results = Results(dict(teacher=by_seed(0.7), **finished), one_teacher=True)
    assert [(run.name, run.seed) for run in _choose(runs, results)] == [
        ('teacher', 0),
        *((name, 2) for name in ('student', 'a', 'b', 'c')),
    ]
