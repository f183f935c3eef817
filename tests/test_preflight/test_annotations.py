"""Each fault that data have in practice, and what is said about it."""

import re

import pytest
from coco_edits import coco_edits, write_edited
from coco_sets import POLYGON, change, save_as, write_coco
from hypothesis import given, settings

from mmreviewkd.preflight import check_annotations


def check(root, **args):
    return check_annotations(
        root / 'annotations/instances_val.json', root / 'images', **args
    )


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """A set whose file each example edits anew."""
    return write_coco(tmp_path_factory.mktemp('sound'), segmentation=POLYGON)


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
        (drop('annotations', 'area'), '1 annotation without a proper area.*: 0'),
        (drop('images', 'width'), '1 image without a proper width.*: 0'),
        (first('annotations', bbox='[]'), r'proper bbox \(four finite numbers\).*: 0'),
        (first('annotations', iscrowd=None), '1 annotation without a proper iscrowd'),
        (lambda c: c['annotations'].append(7), '1 annotation that is no object.*: 4'),
        (first('annotations', id=2), 'annotations with the same id: 2'),
        (first('images', id=1), 'images with the same id: 1'),
        (first('annotations', image_id=9), '1 annotation of an image that is not'),
        (first('annotations', category_id=9), '1 annotation of a category that is'),
        (first('annotations', bbox=[1, 2, 3]), 'four finite numbers'),
        (
            first('annotations', bbox=[0, 0, float('nan'), 1]),
            'four finite numbers',
        ),
        (first('annotations', bbox=[100, 100, 9, 9]), 'a box outside of the im.*: 1'),
        (first('categories', name='dog'), "several categories have the name: 'dog'"),
        (first('images', file_name='gone.png'), "1 of 2 images missing in.*'gone.png'"),
        (first('images', file_name='\0'), r"1 of 2 images missing in.*'\\x00'"),
        (first('images', width=99), "1 of 2 images that were read: of another size"),
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
        (
            first('annotations', bbox=[4, 4, 0.5, 9]),
            'with a box of less than a pixel',
        ),
        (first('annotations', area=0), '1 annotation without area'),
        (
            first('annotations', bbox=[-9, 4, 20, 10]),
            'with a box beyond the border',
        ),
        (first('annotations', iscrowd=1), '1 crowd,'),
        (
            lambda coco: coco.update(annotations=coco['annotations'][:2]),
            '1 image without annotations',
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
    assert '1 annotation without a mask: 1' in problem


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
    assert "1 of 2 images that were read: damaged: '10.png'" in problem


def test_image_turned_by_its_exif_orientation(tmp_path):
    save_as('turned', write_coco(tmp_path) / 'images/10.png', height=48)
    change(tmp_path, first('images', width=64, height=48))
    (problem,) = check(tmp_path).problems
    assert '1 of 2 images that were read: turned by the EXIF' in problem
    assert 'color_ignore_orientation' in problem


def test_names_with_odd_characters_stay_on_their_line(tmp_path):
    names = ('cat\nPROBLEM', '\x1b[31mdog')
    found = check(write_coco(tmp_path, names=names))
    assert '\\nPROBLEM' in str(found) and '\\x1b[31mdog' in str(found)
    assert len(str(found).splitlines()) == 1


@given(coco_edits())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whatever_is_in_the_file_something_is_said(sound, edits):
    write_edited(sound, edits)
    assert str(check(sound, classes=('cat', 'dog'), with_mask=True, sample=1))
