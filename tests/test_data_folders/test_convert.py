"""What becomes of boxes, masks, sizes and classes on the way to COCO."""

import json
import sys

import numpy as np
import pytest
from data_formats import (
    BOX,
    HEIGHT,
    POLYGON,
    WIDTH,
    shape,
    voc_xml,
    write_image,
    write_labelme,
    write_voc,
    write_yolo,
)
from mmdet.datasets import CocoDataset
from pycocotools import mask as mask_utils

from mmreviewkd.data_folders import DataError, Given, open_folder

WRITERS = dict(YOLO=write_yolo, VOC=write_voc, LabelMe=write_labelme)
POINTS = [[4, 4], [24, 4], [24, 14], [4, 14]]


def converted(root, tmp_path, **given):
    """Open a folder; the contents of the files that come of it."""
    data = open_folder(root, work_dir=tmp_path / 'work', given=Given(**given))
    parts = [
        json.loads((root / s.ann_file).read_text()) for s in (data.train, data.val)
    ]
    for part, split in zip(parts, (data.train, data.val), strict=True):
        for image in part['images']:
            assert (root / split.img_prefix / image['file_name']).is_file()
    return data, *parts


@pytest.mark.parametrize('kind', WRITERS)
def test_boxes(tmp_path, kind):
    given = dict(val_fraction=0.5) if kind == 'LabelMe' else {}
    root = WRITERS[kind](tmp_path / 'set')
    before = sorted(root.rglob('*'))
    data, train, val = converted(root, tmp_path, **given)
    # In the order of data.yaml, or of the alphabet.
    assert data.classes == (('dog', 'cat') if kind == 'YOLO' else ('cat', 'dog'))
    assert not data.has_masks and data.max_side == WIDTH
    for part in (train, val):
        (image,) = part['images']
        assert (image['width'], image['height']) == (WIDTH, HEIGHT)
        by_id = {category['id']: category['name'] for category in part['categories']}
        assert [by_id[a['category_id']] for a in part['annotations']] == ['cat', 'dog']
        for ann in part['annotations']:
            assert ann['bbox'] == [4, 4, 20, 10]
            assert ann['area'] == 200 and ann['iscrowd'] == 0
            assert 'segmentation' not in ann
    # Nothing goes to the user's folder.
    assert sorted(root.rglob('*')) == before


def test_voc_trains_on_no_image_for_validation(tmp_path):
    root = write_voc(tmp_path / 'set', number=3)
    lists = root / 'ImageSets/Main'
    (lists / 'train.txt').unlink()
    (lists / 'trainval.txt').write_text('0 1\n1 1\n2 -1\n')
    _, train, val = converted(root, tmp_path)
    assert [image['file_name'] for image in train['images']] == ['0.png', '2.png']
    assert [image['file_name'] for image in val['images']] == ['1.png']

    (lists / 'trainval.txt').write_text('1\n')
    with pytest.raises(DataError, match='trainval.txt has no other names than val.txt'):
        converted(root, tmp_path)


def masks_of(part):
    return [mask_utils.decode(a['segmentation']) for a in part['annotations']]


def test_masks_of_yolo(tmp_path):
    root = write_yolo(tmp_path / 'set', [f'0 {POLYGON}'])
    data, train, _ = converted(root, tmp_path)
    (mask,) = masks_of(train)
    assert data.has_masks and mask.shape == (HEIGHT, WIDTH)
    assert mask[4:14, 4:24].all() and mask.sum() <= 11 * 21
    assert train['annotations'][0]['area'] == mask.sum()


def test_masks_of_voc(tmp_path):
    polygon = ''.join(
        f'<x{i}>{x + 1}</x{i}><y{i}>{y + 1}</y{i}>' for i, (x, y) in enumerate(POINTS)
    )
    xml = voc_xml(['cat'], inner=f'<polygon>{polygon}</polygon>')
    data, train, _ = converted(write_voc(tmp_path / 'set', xml=xml), tmp_path)
    assert data.has_masks and masks_of(train)[0][4:14, 4:24].all()


def test_masks_of_labelme(tmp_path):
    # Two parts of one object, with a gap: no crowd, which training would ignore.
    left = [[0, 0], [9, 0], [9, 9], [0, 9]]
    right = [[30, 0], [39, 0], [39, 9], [30, 9]]
    shapes = [shape('cat', 'polygon', points, group=1) for points in (left, right)]
    root = write_labelme(tmp_path / 'set', shapes)
    data, train, _ = converted(root, tmp_path, val_fraction=0.5)
    (ann,) = train['annotations']
    assert data.has_masks and ann['iscrowd'] == 0
    assert ann['bbox'] == [0, 0, 39, 9]
    (mask,) = masks_of(train)
    assert mask[5, 5] and mask[5, 35] and not mask[5, 20]


def test_shapes_of_old_labelme_are_polygons(tmp_path):
    """Its versions before the other kinds wrote none."""
    polygon = shape('cat', 'polygon', POINTS)
    without = {key: value for key, value in polygon.items() if key != 'shape_type'}
    root = write_labelme(tmp_path / 'set', [without, dict(polygon, shape_type=None)])
    data, train, _ = converted(root, tmp_path, val_fraction=0.5)
    assert data.has_masks and len(train['annotations']) == 2


def test_labels_with_a_byte_order_mark(tmp_path):
    """As editors on Windows write them."""
    root = write_yolo(tmp_path / 'set', [f'\ufeff0 {BOX}'])
    _, train, _ = converted(root, tmp_path)
    assert len(train['annotations']) == 1


@pytest.mark.parametrize('kind', ['YOLO', 'LabelMe'])
def test_boxes_among_masks_get_none(tmp_path, kind):
    if kind == 'YOLO':
        root = write_yolo(tmp_path / 'set', [f'0 {POLYGON}', f'1 {BOX}'])
        given = {}
    else:
        shapes = [shape('dog', 'polygon', POINTS), shape('cat')]
        root = write_labelme(tmp_path / 'set', shapes)
        given = dict(val_fraction=0.5)
    data, train, _ = converted(root, tmp_path, **given)
    assert not data.has_masks
    assert 'only boxes are used, since 2 of 4 instances have no mask' in data.notes[0]
    names = {category['id']: category['name'] for category in train['categories']}
    masked = {
        names[a['category_id']]: 'segmentation' in a for a in train['annotations']
    }
    assert masked == dict(dog=True, cat=False)


def test_turned_images_have_the_size_as_seen(tmp_path):
    """MMDetection and YOLO turn an image as its EXIF orientation says."""
    root = write_yolo(tmp_path / 'set')
    path = root / 'train/images/train.png'
    write_image(path, 'turned')
    _, train, _ = converted(root, tmp_path)
    (image,) = train['images']
    assert (image['width'], image['height']) == (HEIGHT, WIDTH)
    assert np.allclose(train['annotations'][0]['bbox'], [2, 8, 10, 20])


def test_images_without_objects_stay(tmp_path):
    root = write_yolo(tmp_path / 'set')
    write_image(root / 'train/images/empty.png')
    (root / 'train/labels/empty.txt').touch()
    write_image(root / 'train/images/none.png')
    data, train, _ = converted(root, tmp_path)
    assert len(train['images']) == 3 and len(train['annotations']) == 2
    assert data.notes[0] == (
        '1 image of 3 for training without a label file, taken to show no object: '
        'none.png'
    )
    assert '2 images without annotations' in data.notes[1]


def test_mmdetection_reads_it(tmp_path):
    data, *_ = converted(write_yolo(tmp_path / 'set'), tmp_path)
    dataset = CocoDataset(
        data_root=f'{data.root}/',
        ann_file=data.val.ann_file,
        data_prefix=dict(img=data.val.img_prefix),
        metainfo=dict(classes=data.classes),
        pipeline=[],
    )
    info = dataset.get_data_info(0)
    assert info['img_path'] == str(data.root / 'valid/images/valid.png')
    assert [one['bbox_label'] for one in info['instances']] == [1, 0]
    assert info['instances'][0]['bbox'] == [4, 4, 24, 14]


def test_score_behind_a_box_is_no_mask(tmp_path):
    data, *_ = converted(write_yolo(tmp_path / 'set', [f'0 {BOX} 0.9']), tmp_path)
    assert not data.has_masks


def test_without_the_converter(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(DataError, match='pip install supervision'):
        converted(write_yolo(tmp_path / 'set'), tmp_path)
