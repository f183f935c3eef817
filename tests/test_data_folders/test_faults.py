"""Data folders as people have them, with their faults: what is said of each.

docs/data_formats.md has a row for each; the name is in its first column.
"""

import json
from pathlib import Path

import pytest
from coco_sets import POLYGON, change, save_as, write_coco
from data_formats import (
    BOX,
    TWO_SHAPES,
    shape,
    voc_xml,
    write_image,
    write_labelme,
    write_voc,
    write_yolo,
)

from mmreviewkd.data_folders import DataError, Given, open_folder

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'data_formats.md'
FIFTH = Given(val_fraction=0.2)
HALF = Given(val_fraction=0.5)
ROBOFLOW = dict(annotations='{}/_annotations.coco.json', images='{}')


def edited(edit, **layout):
    """A writer of COCO's usual layout, with an edit of the validation file."""

    def write(root):
        write_coco(root, **layout)
        change(root, edit)

    return write


def first(kind, **fields):
    return lambda coco: coco[kind][0].update(fields)


def one_file(name, images='images', edit=None):
    """A writer of a set with one annotation file."""

    def write(root):
        write_coco(root, annotations=name, images=images, splits=('train',))
        path = root / name
        coco = json.loads(path.read_text())
        if edit:
            edit(coco)
        path.write_text(json.dumps(coco))

    return write


def rename(template):
    """An edit that gives images other names."""

    def edit(coco):
        for image in coco['images']:
            image['file_name'] = template.format(image['file_name'])

    return edit


def roboflow(root, splits=('train', 'valid')):
    write_coco(root, splits=splits, **ROBOFLOW)


def supercategory(root):
    roboflow(root)
    for path in root.glob('*/_annotations.coco.json'):
        coco = json.loads(path.read_text())
        above = dict(id=0, name='pets', supercategory='none')
        for category in coco['categories']:
            category['supercategory'] = 'pets'
        coco['categories'].insert(0, above)
        path.write_text(json.dumps(coco))


def same_image(root):
    write_coco(root)
    (root / 'images/11.png').write_bytes((root / 'images/00.png').read_bytes())


def with_file(write, name, text):
    """A writer of a set with one file more, or another one."""

    def write_both(root):
        write(root)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    return write_both


def without(write, *names):
    def write_less(root):
        write(root)
        for name in names:
            (root / name).unlink()

    return write_less


def cvat_xml(root):
    write_image(root / 'images/0.png')
    (root / 'annotations.xml').write_text('<annotations><image/></annotations>')


def broken(name, write=write_coco):
    def write_broken(root):
        write(root)
        (root / name).write_bytes(b'no image')

    return write_broken


def turned(root):
    write_coco(root)
    change(root, first('images', height=32))
    save_as('turned', root / 'images/10.png', 32, 64)


def crowds(coco):
    for ann in coco['annotations']:
        ann['iscrowd'] = 1


USABLE = {
    'COCO, instances_{train,val}.json': (
        write_coco,
        None,
        'found a COCO data set of 2 classes (cat, dog): '
        'annotations/instances_train.json and annotations/instances_val.json',
    ),
    'COCO, Roboflow': (roboflow, None, 'train/_annotations.coco.json and valid/'),
    'COCO, CVAT': (
        one_file('annotations/instances_default.json', 'images/default'),
        HALF,
        'annotations/instances_default.json, written as',
    ),
    'COCO, Label Studio': (
        one_file('result.json', edit=rename('images/{}')),
        HALF,
        'result.json, written as',
    ),
    "COCO, another computer's paths": (
        one_file('result.json', edit=rename('C:\\data\\upload\\{}')),
        HALF,
        'names images in folders that are not here',
    ),
    'COCO, any names': (
        lambda root: write_coco(root / 'x', annotations='{}_a.json', images='pics'),
        Given('x/train_a.json', 'x/val_a.json', 'x/pics'),
        'x/train_a.json and x/val_a.json; images in x/pics/',
    ),
    'YOLO': (write_yolo, None, 'found a YOLO data set of 2 classes (dog, cat)'),
    'YOLO, one part': (
        lambda root: (
            write_yolo(root, splits=('train',)),
            write_image(root / 'train/images/b.png'),
            (root / 'train/labels/b.txt').write_text(f'0 {BOX}'),
        ),
        HALF,
        'found a YOLO data set of 2 classes (dog, cat)',
    ),
    'Pascal VOC': (write_voc, None, 'found a Pascal VOC data set of 2 classes'),
    'Pascal VOC, no lists': (
        lambda root: write_voc(root, lists=False),
        HALF,
        'found a Pascal VOC data set of 2 classes',
    ),
    'Pascal VOC, several years': (
        lambda root: [write_voc(root / year) for year in ('VOC2007', 'VOC2012')],
        None,
        'VOC2007 alone is used, not ',
    ),
    'LabelMe': (write_labelme, HALF, 'found a LabelMe data set of 2 classes'),
    'LabelMe, train and val': (
        lambda root: [write_labelme(root, folder=part) for part in ('train', 'val')],
        None,
        'found a LabelMe data set of 2 classes',
    ),
    'an image in both parts': (
        same_image,
        None,
        '1 image of annotations/instances_val.json stands in '
        'annotations/instances_train.json too, by content: 11.png',
    ),
    "Roboflow's supercategory": (
        supercategory,
        None,
        'the category pets (id 0) is the supercategory of all others, which Roboflow '
        'adds; leave it out by --classes cat dog',
    ),
    'a class without an instance': (
        lambda root: write_coco(root, labels=(1,)),
        None,
        'annotations/instances_val.json has no instance of cat',
    ),
    'one instance without a mask': (
        edited(lambda c: c['annotations'][2].pop('segmentation'), segmentation=POLYGON),
        None,
        'only boxes are used, since 1 of 8 instances has no mask: annotation 3 of the '
        "image '11.png' in annotations/instances_val.json",
    ),
    'an empty or broken polygon': (
        edited(first('annotations', segmentation=[[]]), segmentation=POLYGON),
        None,
        'only boxes are used, since 1 of 8 instances has no mask: annotation 1 of the',
    ),
    'a box out of the image': (
        edited(first('annotations', bbox=[100, 100, 9, 9])),
        None,
        '1 annotation with a box outside of the image: 1',
    ),
    'a box across the border': (
        edited(first('annotations', bbox=[50, 4, 20, 10])),
        None,
        '1 annotation with a box beyond the border of the image: 1',
    ),
    'a box without area': (
        edited(first('annotations', bbox=[4, 4, 0, 10])),
        None,
        '1 annotation with a box of less than a pixel, left out in training: 1',
    ),
    'a crowd': (
        edited(first('annotations', iscrowd=1)),
        None,
        '1 crowd, taken as ignored regions',
    ),
    'an annotation of no image': (
        edited(first('annotations', image_id=99)),
        None,
        '1 annotation of an image that is not there: 1',
    ),
    'images without annotations': (
        edited(lambda coco: coco.update(annotations=coco['annotations'][:2])),
        None,
        '1 image without annotations',
    ),
    'YOLO, an image without labels': (
        lambda root: (write_yolo(root), write_image(root / 'train/images/b.png')),
        None,
        '1 image of 2 for training without a label file, taken to show no object',
    ),
    'LabelMe, other shapes': (
        lambda root: write_labelme(root, [*TWO_SHAPES, shape('cat', 'circle')]),
        HALF,
        'shapes that are neither polygons nor rectangles are left out: 2 circle',
    ),
    'LabelMe, images without a file': (
        lambda root: (write_labelme(root), write_image(root / 'b.png')),
        HALF,
        '1 image without a LabelMe file left out, such as b.png',
    ),
}
REFUSED = {
    'one part only': (
        one_file('annotations/instances_default.json'),
        None,
        'has one part only (annotations/instances_default.json); write --val-fraction',
    ),
    'training and test, no validation': (
        lambda root: roboflow(root, ('train', 'test')),
        None,
        'Write --train-ann train/_annotations.coco.json and --val-ann FILE, such as '
        'test/_annotations.coco.json, or --val-fraction 0.2',
    ),
    'names that do not tell the part': (
        lambda root: write_coco(root, annotations='{}.json', splits=('one', 'two')),
        None,
        'has 2 annotation files, and their names do not tell',
    ),
    'two parts and --val-fraction': (write_coco, FIFTH, 'leave out --val-fraction'),
    'images missing': (
        without(write_coco, 'images/11.png'),
        None,
        'annotations/instances_val.json: 1 of 2 images missing in',
    ),
    'no image found': (
        lambda root: write_coco(root, images='deep/down/pictures'),
        None,
        'deep/down/pictures',
    ),
    'an image that cannot be read': (
        broken('images/10.png'),
        None,
        "1 of 2 images that were read: damaged: '10.png'",
    ),
    'an image turned by EXIF': (turned, None, 'turned by the EXIF orientation'),
    'an image of another size': (
        edited(first('images', width=99)),
        None,
        "of another size than the annotations say: '10.png'",
    ),
    'categories in another order': (
        edited(lambda coco: coco['categories'].reverse()),
        None,
        'list their categories in different orders',
    ),
    'an id twice': (
        edited(first('annotations', id=2)),
        None,
        'annotations/instances_val.json: annotations with the same id: 2',
    ),
    'crowds only': (
        edited(crowds),
        None,
        'all 4 annotations are crowds (iscrowd is 1), which training ignores',
    ),
    'a field missing': (
        edited(lambda coco: coco['annotations'][0].pop('area')),
        None,
        '1 annotation without a proper area (a finite number), counted from 0: 0',
    ),
    'no JSON': (
        with_file(write_coco, 'annotations/instances_val.json', '{'),
        None,
        'annotations/instances_val.json is no JSON file',
    ),
    'YOLO without data.yaml': (
        lambda root: (
            without(write_yolo, 'data.yaml')(root),
            write_image(root / 'train/images/b.png'),
            (root / 'train/labels/b.txt').touch(),
        ),
        None,
        'are 3 .png files and 3 .txt files, but no data.yaml',
    ),
    'YOLO, a folder that is not there': (
        with_file(write_yolo, 'data.yaml', 'train: train\nval: gone\nnames: [a, b]'),
        None,
        'val: gone is not there; looked for',
    ),
    'YOLO, a class without a name': (
        lambda root: write_yolo(root, [f'7 {BOX}']),
        None,
        'train.txt is no proper YOLO file: there are 2 classes, but it',
    ),
    'YOLO, a broken line': (
        lambda root: write_yolo(root, ['0 0.5 0.5']),
        None,
        'expected at least 5 tokens',
    ),
    'YOLO, an image that cannot be read': (
        broken('train/images/train.png', write_yolo),
        None,
        'train.png cannot be read',
    ),
    'YOLO, key points': (
        with_file(
            write_yolo, 'data.yaml', 'train: train\nnames: [a, b]\nkpt_shape: [17, 3]'
        ),
        None,
        'key points (kpt_shape)',
    ),
    'Pascal VOC, an image missing': (
        without(write_voc, 'JPEGImages/0.png'),
        None,
        '1 XML file of 1 in',
    ),
    'Pascal VOC, another size': (
        lambda root: write_voc(root, xml=voc_xml(width=99)),
        None,
        'it is for an image of 99x32 pixels, but the image has 64x32',
    ),
    'Pascal VOC, an empty list': (
        with_file(write_voc, 'ImageSets/Main/val.txt', '\n'),
        None,
        'ImageSets/Main/val.txt is empty; write a name a line, or delete it',
    ),
    'Pascal VOC, no XML': (
        with_file(write_voc, 'Annotations/0.xml', '<annotation>'),
        None,
        '0.xml is no proper Pascal VOC file',
    ),
    'CVAT for images': (cvat_xml, None, 'export the task as "COCO 1.0"'),
    'LabelMe, an image missing': (
        without(write_labelme, '0.png'),
        HALF,
        '0.json is for the image 0.png, which is neither',
    ),
    'LabelMe, another size': (
        lambda root: write_labelme(root, imageWidth=99),
        HALF,
        'it is for an image of 99x32 pixels',
    ),
    'images only': (
        lambda root: write_image(root / 'a.png'),
        None,
        'is 1 .png file, but no annotations',
    ),
    'archives': (with_file(lambda root: None, 'set.zip', ''), None, 'unpack'),
    'tables': (
        with_file(lambda root: None, 'set.csv', ''),
        None,
        'export the data set',
    ),
    'an empty folder': (lambda root: None, None, 'is empty'),
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'set').mkdir()
    return tmp_path / 'set'


@pytest.mark.parametrize('name', USABLE)
def test_usable(root, tmp_path, name):
    write, given, said = USABLE[name]
    write(root)
    data = open_folder(root, work_dir=tmp_path / 'work', given=given)
    assert any(said in text for text in (data.found, *data.notes)), data
    assert all(text.isprintable() for text in (data.found, *data.notes))
    assert data.train.instances and data.val.instances


@pytest.mark.parametrize('name', REFUSED)
def test_refused(root, tmp_path, name):
    write, given, said = REFUSED[name]
    write(root)
    with pytest.raises(DataError) as error:
        open_folder(root, work_dir=tmp_path / 'work', given=given)
    assert said in str(error.value)
    assert str(error.value).isprintable()


def test_page_has_a_row_for_each():
    text = PAGE.read_text(encoding='utf-8')
    rows = [line.split('|')[1].strip() for line in text.splitlines() if line[:1] == '|']
    missing = [name for name in (*USABLE, *REFUSED) if name not in rows]
    assert not missing
