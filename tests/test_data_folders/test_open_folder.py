import pytest
from coco_edits import coco_edits, write_edited
from coco_sets import POLYGON, change, write_coco
from hypothesis import given, settings

from mmreviewkd.data_folders import DataError, open_folder


@pytest.mark.parametrize(
    'layout, prefixes',
    [
        (dict(), ('images/', 'images/')),
        (dict(images='{}'), ('train/', 'val/')),
        (dict(images='{}2017'), ('train2017/', 'val2017/')),
        (dict(images='.'), ('', '')),
        (
            dict(splits=('train2017', 'val2017'), images='{}'),
            ('train2017/', 'val2017/'),
        ),
        (
            dict(
                splits=('train', 'valid'),
                images='{}',
                annotations='{}/_annotations.coco.json',
            ),
            ('train/', 'valid/'),
        ),
    ],
)
def test_layouts(tmp_path, layout, prefixes):
    data = open_folder(write_coco(tmp_path, **layout))
    assert (data.train.img_prefix, data.val.img_prefix) == prefixes
    assert (data.root / data.val.ann_file).is_file()
    assert data.classes == ('cat', 'dog')
    assert (data.train.images, data.train.instances) == (2, 4)
    assert data.notes == []


@pytest.mark.parametrize(
    'segmentation, has_masks',
    [
        (POLYGON, True),
        (dict(size=[64, 64], counts=[0, 64 * 64]), True),
        ([], False),
        ('[]', False),
        (None, False),
    ],
)
def test_masks(tmp_path, segmentation, has_masks):
    data = open_folder(write_coco(tmp_path, segmentation=segmentation))
    assert data.has_masks is has_masks
    assert data.notes == []
    assert str(data).endswith('masks' if has_masks else 'boxes only')


def test_some_masks_are_no_masks(tmp_path):
    write_coco(tmp_path, segmentation=POLYGON)
    change(tmp_path, lambda coco: coco['annotations'][0].pop('segmentation'))
    data = open_folder(tmp_path)
    assert not data.has_masks
    assert data.notes == [
        'only boxes are used, since 1 of 8 instances has no mask: annotation 1 of the '
        "image '10.png' in annotations/instances_val.json; draw a mask there, or "
        'delete the annotation'
    ]


def test_chosen_classes_are_in_the_order_of_the_file(tmp_path):
    # MMDetection numbers them so, whatever the order in which they are asked for.
    write_coco(tmp_path, names=('cat', 'dog', 'cow'), labels=(0, 1, 2))
    data = open_folder(tmp_path, ['cow', 'cat'])
    assert data.classes == ('cat', 'cow')
    assert data.train.instances == 4


def test_masks_of_other_classes_do_not_count(tmp_path):
    write_coco(tmp_path, segmentation=POLYGON)
    change(tmp_path, lambda coco: coco['annotations'][0].pop('segmentation'))
    assert open_folder(tmp_path, ['dog']).has_masks


def test_many_classes_without_instances_are_not_all_named(tmp_path):
    names = [f'class_{number}' for number in range(80)]
    data = open_folder(write_coco(tmp_path, names=names, labels=(0,)))
    first, rest = data.notes[0].split('class_12')
    assert first.count('class_') == 11 and rest == ' and 67 more'


def test_class_without_instances_is_noted(tmp_path):
    data = open_folder(write_coco(tmp_path, labels=(1,)))
    assert data.classes == ('cat', 'dog')
    assert data.notes == [
        f'annotations/instances_{split}.json has no instance of cat'
        for split in ('train', 'val')
    ]


def refused(root, classes=None):
    with pytest.raises(DataError) as error:
        open_folder(root, classes)
    return str(error.value)


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """A set whose file each example edits anew."""
    return write_coco(tmp_path_factory.mktemp('sound'), segmentation=POLYGON)


@given(coco_edits())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_malformed_files_get_one_sentence(sound, edits):
    write_edited(sound, edits)
    try:
        data = open_folder(sound)
    except DataError as error:
        assert str(error).isprintable() and 'instances_val.json' in str(error)
    else:
        assert data.max_side >= 64 and data.val.images > 0


def test_one_class(tmp_path):
    data = open_folder(write_coco(tmp_path, names=('cat',), labels=(0,)))
    assert '1 class, 2 + 2 instances' in str(data)


def test_no_folder(tmp_path):
    assert refused(tmp_path / 'none') == f'there is no folder {tmp_path / "none"}'
    file = tmp_path / 'train.json'
    file.write_text('')
    assert refused(file).startswith(f'{file} is a file; give the folder')


def test_unknown_class(tmp_path):
    message = refused(write_coco(tmp_path), ['cat', 'Dog'])
    assert 'no class Dog; its classes: cat, dog' in message


def test_no_instances(tmp_path):
    assert 'no instance of its classes: cat' in refused(
        write_coco(tmp_path, labels=(1,)), ['cat']
    )


def test_instances_of_unlisted_images_do_not_count(tmp_path):
    write_coco(tmp_path)
    change(tmp_path, lambda coco: coco['annotations'][0].update(image_id=99))
    assert open_folder(tmp_path).val.instances == 3

    def unlist(coco):
        for ann in coco['annotations']:
            ann['image_id'] = 99

    change(tmp_path, unlist)
    assert 'no instance of its classes: cat, dog' in refused(tmp_path)


def test_missing_images(tmp_path):
    write_coco(tmp_path)
    (tmp_path / 'images/11.png').unlink()
    assert '1 of 2 images missing in' in refused(tmp_path)
    (tmp_path / 'images/10.png').unlink()
    assert 'image 10.png is in none of the folders images, ' in refused(tmp_path)


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda coco: coco['images'].clear(), 'instances_val.json lists no images'),
        (lambda coco: coco.pop('images'), "no list 'images'"),
        (
            lambda coco: coco['categories'].reverse(),
            'list their categories in different orders',
        ),
        (lambda coco: coco['categories'].pop(), 'no class dog; its classes: cat'),
        (
            lambda coco: coco['annotations'][2].pop('area'),
            '1 annotation without a proper area (a finite number), counted from 0: 2',
        ),
        (
            lambda coco: coco['images'][0].pop('width'),
            '1 image without a proper width (a positive number), counted from 0: 0',
        ),
    ],
)
def test_wrong_annotations(tmp_path, edit, message):
    change(write_coco(tmp_path), edit)
    assert message in refused(tmp_path)


def test_double_class(tmp_path):
    write_coco(tmp_path, names=('cat', 'cat'))
    assert 'categories with different names; got: cat, cat' in refused(tmp_path)


def test_no_json(tmp_path):
    write_coco(tmp_path)
    (tmp_path / 'annotations/instances_val.json').write_text('{')
    assert 'instances_val.json is no JSON file' in refused(tmp_path)


@pytest.mark.parametrize(
    'name, has_masks, classes',
    [('bccd', False, ('RBC', 'WBC', 'Platelets')), ('dsb2018', True, ('nucleus',))],
)
def test_real_sets(shared, name, has_masks, classes):
    data = open_folder(shared / 'data' / name)
    assert data.has_masks is has_masks
    assert data.classes == classes
