"""Each fault that data have in practice, and what is said about it."""

import copy
import json
import re

import numpy as np
import pytest
from coco_sets import POLYGON, change, save_as, write_coco

from mmreviewkd.preflight import check_annotations


def check(root, **args):
    return check_annotations(
        root / 'annotations/instances_val.json', root / 'images', **args
    )


def first(kind, **fields):
    """An edit that changes the first entry of a kind."""
    return lambda coco: coco[kind][0].update(fields)


def drop(kind, field):
    return lambda coco: coco[kind][0].pop(field)


def test_sound_data_have_no_problem(tmp_path):
    found = check(write_coco(tmp_path, segmentation=POLYGON), with_mask=True)
    assert found.problems == []
    assert found.notes == [
        "instances_val.json: 2 images, 4 annotations of 2 classes: 'cat' 2, 'dog' 2"
    ]


@pytest.mark.parametrize(
    'edit, problem',
    [
        (drop('annotations', 'area'), 'annotations without a proper area.*: 0'),
        (drop('images', 'width'), 'images without a proper width.*: 0'),
        (first('annotations', bbox='[]'), 'annotations without a proper bbox'),
        (first('annotations', iscrowd=None), 'annotations without a proper iscrowd'),
        (lambda c: c['annotations'].append(7), 'annotations no object.*: 4'),
        (first('annotations', id=2), 'annotations with the same id: 2'),
        (first('images', id=1), 'images with the same id: 1'),
        (first('annotations', image_id=9), '1 annotations of an image that is not'),
        (first('annotations', category_id=9), '1 annotations of a category that is'),
        (first('annotations', bbox=[1, 2, 3]), 'boxes that are not four finite'),
        (
            first('annotations', bbox=[0, 0, float('nan'), 1]),
            'boxes that are not four finite',
        ),
        (first('annotations', bbox=[100, 100, 9, 9]), 'boxes outside of their im.*: 1'),
        (first('categories', name='dog'), "several categories have the name: 'dog'"),
        (first('images', file_name='gone.png'), "1 of 2 images are not in.*'gone.png'"),
        (first('images', file_name='\0'), r"1 of 2 images are not in.*'\\x00'"),
        (first('images', width=99), "1 of 2 images that were read have another size"),
        (
            lambda coco: [a.update(category_id=7) for a in coco['annotations']],
            "has no annotation of: 'dog'",
        ),
    ],
)  # fmt: skip
def test_problem(tmp_path, edit, problem):
    change(write_coco(tmp_path), edit)
    found = check(tmp_path)
    # One fault may show in two places, such as the annotations of a broken image.
    assert len(found.problems) <= 2
    assert any(re.search(problem, text) for text in found.problems), found


@pytest.mark.parametrize(
    'edit, note',
    [
        (first('annotations', bbox=[4, 4, 0.5, 9]), '1 boxes of less than a pixel'),
        (first('annotations', area=0), '1 annotations without area'),
        (first('annotations', bbox=[-9, 4, 20, 10]), '1 boxes beyond the border'),
        (first('annotations', iscrowd=1), '1 crowds'),
        (
            lambda coco: coco.update(annotations=coco['annotations'][:2]),
            '1 images have no annotation',
        ),
    ],
)
def test_what_stock_mmdetection_copes_with_is_a_note(tmp_path, edit, note):
    change(write_coco(tmp_path), edit)
    found = check(tmp_path)
    assert found.problems == []
    assert any(note in text for text in found.notes)


@pytest.mark.parametrize(
    'content, problem',
    [
        (None, 'there is no annotation file'),
        ('{', 'is no JSON file'),
        ('[1]', "is no COCO annotation file: no list 'images'"),
        ('{"images": []}', "no list 'annotations'"),
        ('[' * 100000, 'is no JSON file'),
    ],
)
def test_file_that_is_none(tmp_path, content, problem):
    path = tmp_path / 'annotations.json'
    if content is not None:
        path.write_text(content)
    found = check_annotations(path, tmp_path)
    assert len(found.problems) == 1 and problem in found.problems[0]


def test_classes(tmp_path):
    write_coco(tmp_path, names=('cat', 'dog'))
    assert check(tmp_path, classes=('cat', 'dog')).problems == []
    (problem,) = check(tmp_path, classes=('cat', 'cow')).problems
    assert "no category for the classes: 'cow'" in problem
    (problem,) = check(tmp_path, classes=('dog', 'cat')).problems
    assert "write classes=('cat', 'dog')" in problem
    found = check(tmp_path, classes=('dog',))
    assert not found.problems
    assert "these categories are not used: 'cat'" in found.notes[0]


def test_gaps_in_the_ids_are_fine(tmp_path):
    """As COCO's own 80 categories have them."""

    def spread(coco):
        for category in coco['categories']:
            category['id'] *= 10
        for ann in coco['annotations']:
            ann['category_id'] *= 10

    change(write_coco(tmp_path), spread)
    assert check(tmp_path).problems == []


def test_missing_masks(tmp_path):
    write_coco(tmp_path, segmentation=POLYGON)
    change(tmp_path, first('annotations', segmentation=[]))
    assert check(tmp_path).problems == []
    (problem,) = check(tmp_path, with_mask=True).problems
    assert '1 annotations have no mask: 1' in problem


@pytest.mark.parametrize(
    'kind', ['grayscale', 'palette', '16 bits', 'transparent', 'CMYK']
)
def test_images_that_mmdetection_reads(tmp_path, kind):
    save_as(kind, write_coco(tmp_path) / 'images/10.png')
    assert check(tmp_path).problems == []


def test_cut_off_image(tmp_path):
    path = write_coco(tmp_path) / 'images/10.png'
    save_as('CMYK', path)
    path.write_bytes(path.read_bytes()[:-400])
    (problem,) = check(tmp_path).problems
    assert "1 of 2 images that were read are damaged: '10.png'" in problem


def test_image_turned_by_its_exif_orientation(tmp_path):
    save_as('turned', write_coco(tmp_path) / 'images/10.png', height=48)
    change(tmp_path, first('images', width=64, height=48))
    (problem,) = check(tmp_path).problems
    assert '1 of 2 images that were read are turned by their EXIF' in problem
    assert 'color_ignore_orientation' in problem


def test_names_with_odd_characters_stay_on_their_line(tmp_path):
    names = ('cat\nPROBLEM', '\x1b[31mdog')
    found = check(write_coco(tmp_path, names=names))
    assert '\\nPROBLEM' in str(found) and '\\x1b[31mdog' in str(found)
    assert len(str(found).splitlines()) == 1


def test_fuzzed_files_never_raise(tmp_path):
    """Random edits of a sound file; whatever comes out, the check says something."""
    root = write_coco(tmp_path)
    path = root / 'annotations/instances_val.json'
    sound = path.read_text()
    rng = np.random.default_rng(0)
    values = [None, True, -1, 1e308, float('nan'), '', '\0', [], {}, [[]], 'x' * 99]
    for _ in range(3000):
        coco = json.loads(sound)
        for _ in range(rng.integers(1, 4)):
            parent, key = coco, None
            while isinstance(parent, dict | list) and parent:
                keys = list(parent) if isinstance(parent, dict) else range(len(parent))
                key = keys[rng.integers(len(keys))]
                if not isinstance(parent[key], dict | list) or rng.random() < 0.2:
                    break
                parent = parent[key]
            if isinstance(parent, dict | list) and parent:
                parent[key] = copy.deepcopy(values[rng.integers(len(values))])
        path.write_text(json.dumps(coco))
        assert str(check(root, classes=('cat', 'dog'), with_mask=True, sample=1))
