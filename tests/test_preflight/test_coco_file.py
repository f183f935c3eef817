"""What the reader of annotation files makes of them."""

import json

import numpy as np
import pytest
from coco_edits import coco_edits, write_edited
from coco_sets import change, write_coco
from hypothesis import given, settings

from mmreviewkd.preflight import Findings
from mmreviewkd.preflight.coco_file import Image, read_coco


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """A set whose file each example edits anew."""
    return write_coco(tmp_path_factory.mktemp('sound'))


def read(path):
    found = Findings()
    return read_coco(path, path.name, found), found.problems


def test_sound_file(tmp_path):
    coco, problems = read(write_coco(tmp_path) / 'annotations/instances_val.json')
    assert problems == []
    assert coco.images[0] == Image(id=0, file_name='10.png', width=64, height=64)
    assert [category['name'] for category in coco.categories] == ['cat', 'dog']
    anns = coco.annotations
    assert anns.ids == [1, 2, 3, 4]
    assert anns.image.tolist() == [0, 0, 1, 1]
    assert anns.category_id.tolist() == [7, 8, 7, 8]
    assert anns.bbox.tolist() == [[4, 4, 20, 10]] * 4
    assert anns.area.tolist() == [200] * 4
    assert not anns.crowd.any() and not anns.has_mask.any()


def test_annotations_keep_the_order_of_the_file(tmp_path):
    """Whatever stands between them, and wherever images stand."""
    path = tmp_path / 'a.json'
    ann = dict(image_id='b', category_id=3, bbox=[0, 0, 1, 1], area=1, iscrowd=0)
    inner = ann | dict(id=99)
    anns = [
        ann | dict(id=5, attributes=inner, iscrowd=1),
        ann | dict(id='x', area=None),
        ann | dict(id='y', image_id='gone', bbox=[0.5, 1, 2, 3]),
        ann | dict(id=4, image_id='a'),
    ]
    images = [dict(id=i, file_name='a.png', width=10, height=20) for i in 'ab']
    path.write_text(json.dumps(dict(annotations=anns, images=images, categories=[])))
    coco, problems = read(path)
    assert problems == [
        'a.json: 1 annotation without a proper area (a finite number), counted from '
        '0: 1'
    ]
    assert coco.annotations.ids == [5, 'y', 4]
    assert coco.annotations.image.tolist() == [1, -1, 0]
    assert coco.annotations.crowd.tolist() == [True, False, False]
    assert coco.annotations.bbox[1].tolist() == [0.5, 1, 2, 3]
    assert coco.annotations.ids_where(coco.annotations.image < 0) == ['y']


def test_no_annotations(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('{"images": [], "annotations": [], "categories": []}')
    coco, problems = read(path)
    assert problems == []
    assert coco.annotations.bbox.shape == (0, 4)
    assert coco.annotations.ids_where(coco.annotations.crowd) == []


def test_broken_entries_are_left_out_and_named_by_their_place(tmp_path):
    path = tmp_path / 'a.json'
    image = dict(id=1, file_name='a.png', width=10, height=20)
    images = [image, image | dict(id=2, width='10'), image | dict(id=3, width=-1), 7]
    path.write_text(json.dumps(dict(images=images, annotations=[], categories=[])))
    coco, problems = read(path)
    assert coco.images == [Image(**image)]
    assert problems == [
        'a.json: 2 images without a proper width (a positive number), counted from 0: '
        '1, 2',
        'a.json: 1 image that is no object, counted from 0: 3',
    ]


@pytest.mark.parametrize(
    'content, problem',
    [
        ('{', 'a.json is no JSON file: Expecting property name'),
        (b'\xff\xfe\x00', 'a.json is no JSON file: '),
        ('[' * 100000, 'a.json is no JSON file: '),
        ('[1]', "a.json is no COCO annotation file: no list 'images'"),
        ('{"images": {}}', "a.json is no COCO annotation file: no list 'images'"),
        ('{"images": []}', "a.json is no COCO annotation file: no list 'annotations'"),
    ],
)
def test_file_that_is_none(tmp_path, content, problem):
    path = tmp_path / 'a.json'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    coco, (said,) = read(path)
    assert coco is None and said.startswith(problem)


def test_no_file(tmp_path):
    coco, (said,) = read(tmp_path / 'a.json')
    assert coco is None and said.startswith('there is no annotation file')


@given(coco_edits())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_entries_are_whole_or_a_problem(sound, edits):
    write_edited(sound, edits)
    path = sound / 'annotations/instances_val.json'
    coco, problems = read(path)
    assert all(text.isprintable() for text in problems)
    if coco is None:
        assert problems
        return
    content = json.loads(path.read_text())
    anns = coco.annotations
    if not problems:
        assert [image.id for image in coco.images] == [
            image['id'] for image in content['images']
        ]
        assert anns.ids == [ann['id'] for ann in content['annotations']]
        assert anns.bbox.tolist() == [ann['bbox'] for ann in content['annotations']]
        assert coco.categories == content['categories']
    for image in coco.images:
        assert image.width > 0 and image.height > 0
        assert isinstance(image.file_name, str)
    assert np.isfinite(anns.bbox).all() and np.isfinite(anns.area).all()
    assert {len(column) for column in anns} == {len(anns.ids)}
    assert problems or len(set(anns.ids)) == len(anns.ids)


@pytest.mark.parametrize(
    'fields, expected',
    [
        (dict(segmentation=[[1, 2, 3, 4, 5, 6]]), True),
        (dict(segmentation=[[1, 2, 3, 4, 5, 6], [1, 2]]), True),
        (dict(segmentation=[[]]), False),
        (dict(segmentation=[[], [1, 2, 3, 4, 5, 6]]), False),
        (dict(segmentation=[[1, 2, 3, 4]]), False),
        (dict(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), False),
        (dict(segmentation=[1, 2, 3, 4, 5, 6]), False),
        (dict(segmentation=dict(size=[1, 1], counts=[1])), True),
        (dict(segmentation=dict(size=[1, 1], counts='1')), True),
        (dict(segmentation=dict(size=[1, 1])), False),
        (dict(segmentation=[]), False),
        (dict(segmentation='[]'), False),
        (dict(segmentation=None), False),
        (dict(), False),
    ],
)
def test_has_mask(tmp_path, fields, expected):
    write_coco(tmp_path)
    change(tmp_path, lambda coco: coco['annotations'][0].update(fields))
    coco, _ = read(tmp_path / 'annotations/instances_val.json')
    assert coco.annotations.has_mask.tolist() == [expected, False, False, False]
