"""What the reader of annotation files makes of them."""

import json
import math

import pytest
from coco_edits import coco_edits, write_edited
from coco_sets import write_coco
from hypothesis import given, settings

from mmreviewkd.preflight import Findings
from mmreviewkd.preflight.coco_file import has_mask, missing_images, read_coco


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
    assert [len(entries) for entries in coco] == [2, 4, 2]
    assert coco.images[0]['file_name'] == '10.png'


def test_broken_entries_are_left_out_and_named_by_their_place(tmp_path):
    path = tmp_path / 'a.json'
    image = dict(id=1, file_name='a.png', width=10, height=20)
    images = [image, image | dict(id=2, width='10'), image | dict(id=3, width=-1), 7]
    path.write_text(json.dumps(dict(images=images, annotations=[], categories=[])))
    coco, problems = read(path)
    assert coco.images == [image]
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
    for kind, entries in coco._asdict().items():
        assert problems or entries == content[kind]
    for image in coco.images:
        assert image['width'] > 0 and image['height'] > 0
        assert isinstance(image['file_name'], str)
    for ann in coco.annotations:
        assert len(ann['bbox']) == 4 and all(map(math.isfinite, ann['bbox']))
        assert math.isfinite(ann['area'])
    for entries in coco:
        ids = [entry['id'] for entry in entries]
        assert problems or len(set(ids)) == len(ids)


def test_missing_images(tmp_path):
    (tmp_path / 'a.png').touch()
    names = ('a.png', 'b\n.png', '\0', 'x' * 9999)
    found = Findings()
    missing = missing_images(
        [dict(file_name=name) for name in names], tmp_path, 'a.json', found
    )
    assert missing == list(names[1:])
    (text,) = found.problems
    assert text.startswith(
        f"a.json: 3 of 4 images missing in '{tmp_path}': 'b\\n.png', '\\x00', "
    )
    assert not missing_images([dict(file_name='a.png')], tmp_path, 'a.json', found)


@pytest.mark.parametrize(
    'fields, expected',
    [
        (dict(segmentation=[[1, 2, 3]]), True),
        (dict(segmentation=dict(size=[1, 1], counts=[1])), True),
        (dict(segmentation=[]), False),
        (dict(segmentation='[]'), False),
        (dict(segmentation=None), False),
        (dict(), False),
    ],
)
def test_has_mask(fields, expected):
    assert has_mask(fields) is expected
