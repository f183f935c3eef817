"""Tiny COCO-format sets."""

import json

import cv2
import numpy as np
from PIL import Image

COLOUR = (200, 100, 50)
"""Red, green and blue of all pixels of the images."""
POLYGON = [[4, 4, 24, 4, 24, 14, 4, 14]]


def write_coco(
    root,
    names=('cat', 'dog'),
    labels=(0, 1),
    segmentation=None,
    annotations='annotations/instances_{}.json',
    images='images',
    splits=('train', 'val'),
    size=64,
    images_each=2,
):
    """Write a set of a few images a split, each with one box for each label."""
    for number, split in enumerate(splits):
        folder = root / images.format(split)
        folder.mkdir(parents=True, exist_ok=True)
        coco = dict(
            categories=[dict(id=7 + i, name=name) for i, name in enumerate(names)],
            images=[],
            annotations=[],
        )
        for i in range(images_each):
            name = f'{number}{i}.png'
            save_as('plain', folder / name, size, size)
            with (folder / name).open('ab') as file:
                file.write(name.encode())  # no two of the same content
            coco['images'].append(dict(id=i, file_name=name, width=size, height=size))
            for label in labels:
                ann = dict(
                    id=len(coco['annotations']) + 1,
                    image_id=i,
                    category_id=7 + label,
                    bbox=[4, 4, 20, 10],
                    area=200,
                    iscrowd=0,
                )
                if segmentation is not None:
                    ann['segmentation'] = segmentation
                coco['annotations'].append(ann)
        path = root / annotations.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(coco))
    return root


def save_as(kind, path, height=64, width=64):
    """Write an image as files in practice are, whatever the name's ending says."""
    image = Image.new('RGB', (width, height), COLOUR)
    if kind == 'plain':
        image.save(path, 'PNG')
    elif kind == 'grayscale':
        image.convert('L').save(path, 'PNG')
    elif kind == 'palette':
        image.convert('P', palette=Image.Palette.ADAPTIVE).save(path, 'PNG')
    elif kind == '16 bits':
        pixels = np.asarray(image)[..., ::-1].astype(np.uint16) * 257
        path.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())
    elif kind == 'transparent':
        image.putalpha(0)
        image.save(path, 'PNG')
    elif kind == 'CMYK':
        image.convert('CMYK').save(path, 'JPEG')
    elif kind == 'turned':
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(path, 'JPEG', exif=exif)
    else:
        raise ValueError(kind)


def change(root, edit, split='val'):
    """Edit an annotation file of :func:`write_coco`."""
    path = root / f'annotations/instances_{split}.json'
    coco = json.loads(path.read_text())
    edit(coco)
    path.write_text(json.dumps(coco))
