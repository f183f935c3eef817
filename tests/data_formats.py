"""Tiny data sets in other formats than COCO: one image with a cat and a dog a part.

Both have their boxes at x 4 to 24, y 4 to 14, in images of 64 by 32 pixels.
"""

import json

from coco_sets import save_as

WIDTH, HEIGHT = 64, 32
BOX = '0.21875 0.28125 0.3125 0.3125'
POLYGON = '0.0625 0.125 0.375 0.125 0.375 0.4375 0.0625 0.4375'


def write_image(path, kind='plain'):
    """Write an image, of another content for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_as(kind, path, HEIGHT, WIDTH)
    with path.open('ab') as file:
        file.write(path.name.encode())  # behind the image's end


def write_yolo(root, rows=(f'1 {BOX}', f'0 {BOX}'), splits=('train', 'valid')):
    """Write a set as Roboflow exports it."""
    names = dict(train='train', valid='val')
    yaml = [f'{names[split]}: ../{split}/images' for split in splits]
    root.mkdir(parents=True, exist_ok=True)
    (root / 'data.yaml').write_text('\n'.join([*yaml, 'nc: 2', 'names: [dog, cat]']))
    for split in splits:
        write_image(root / split / 'images' / f'{split}.png')
        (root / split / 'labels').mkdir()
        (root / split / 'labels' / f'{split}.txt').write_text('\n'.join(rows))
    return root


def voc_xml(names=('cat', 'dog'), width=WIDTH, height=HEIGHT, inner=''):
    """The text of an XML file; Pascal VOC counts pixels from 1."""
    objects = ''.join(
        f'<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>5</xmin>'
        f'<ymin>5</ymin><xmax>24</xmax><ymax>14</ymax></bndbox>{inner}</object>'
        for name in names
    )
    return (
        f'<annotation><filename>a.png</filename><size><width>{width}</width>'
        f'<height>{height}</height><depth>3</depth></size>{objects}</annotation>'
    )


def write_voc(root, number=2, lists=True, xml=None):
    """Write a set as in VOCdevkit/VOC2007."""
    (root / 'Annotations').mkdir(parents=True, exist_ok=True)
    for index in range(number):
        write_image(root / 'JPEGImages' / f'{index}.png')
        (root / 'Annotations' / f'{index}.xml').write_text(xml or voc_xml())
    if lists:
        folder = root / 'ImageSets' / 'Main'
        folder.mkdir(parents=True)
        (folder / 'train.txt').write_text('0\n')
        (folder / 'val.txt').write_text('1\n')
    return root


def shape(label, kind='rectangle', points=((4, 4), (24, 14)), group=None):
    """A shape of LabelMe."""
    return dict(label=label, points=points, shape_type=kind, group_id=group)


TWO_SHAPES = (shape('cat'), shape('dog'))


def write_labelme(root, shapes=TWO_SHAPES, number=2, folder='', **fields):
    """Write a set as LabelMe does: a JSON file beside each image."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for index in range(number):
        write_image(root / folder / f'{index}.png')
        content = dict(
            version='5.5.0',
            shapes=list(shapes),
            imagePath=f'{index}.png',
            imageData=None,
            imageHeight=HEIGHT,
            imageWidth=WIDTH,
        )
        path = root / folder / f'{index}.json'
        path.write_text(json.dumps(content | fields))
    return root
