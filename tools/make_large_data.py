"""Make a large data set without content: ``tools/make_large_data.py FOLDER``."""

import argparse
import json
import os
import random
from pathlib import Path

_LINKS = 50_000
"""Names of one file at most; file systems allow some 65,000."""
_WIDTH, _HEIGHT = 640, 480


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Make a data set in COCO format with as many images and boxes as '
        'are asked for, to measure what large data takes. The images show nothing, '
        'and are many names of few files.'
    )
    parser.add_argument('folder', type=Path, help='where to make it')
    parser.add_argument('--images', type=int, default=1_200_000, help='(1200000)')
    parser.add_argument('--boxes', type=int, default=8_000_000, help='(8000000)')
    parser.add_argument('--classes', type=int, default=365, help='(365)')
    parser.add_argument(
        '--val-images', type=int, default=5000, help='of the validation part (5000)'
    )
    return parser.parse_args()


def make_part(folder: Path, part: str, images: int, boxes: int, classes: int) -> None:
    """Make the images and the annotation file of a part, row by row."""
    random.seed(0)
    (folder / part).mkdir(parents=True)
    for number in range(images):
        _make_image(folder / part, number, 'grey' if part == 'train' else 'black')
    with open(folder / f'instances_{part}.json', 'w', encoding='utf-8') as file:
        file.write('{"images": [')
        for number in range(images):
            image = dict(
                id=number, file_name=_name(number), width=_WIDTH, height=_HEIGHT
            )
            file.write(f'{"," if number else ""}\n{json.dumps(image)}')
        file.write('],\n"annotations": [')
        for number in range(boxes):
            box = _box()
            annotation = dict(
                id=number,
                image_id=number % images,
                category_id=number % classes,
                bbox=box,
                area=round(box[2] * box[3], 2),
                iscrowd=0,
            )
            file.write(f'{"," if number else ""}\n{json.dumps(annotation)}')
        categories = [dict(id=n, name=f'class {n}') for n in range(classes)]
        file.write(f'],\n"categories": {json.dumps(categories)}}}\n')


def _box() -> list[float]:
    left, top = random.uniform(0, _WIDTH - 16), random.uniform(0, _HEIGHT - 16)
    width, height = random.uniform(8, _WIDTH - left), random.uniform(8, _HEIGHT - top)
    return [round(value, 2) for value in (left, top, width, height)]


def _name(number: int) -> str:
    return f'{number:012}.jpg'


def _make_image(folder: Path, number: int, colour: str) -> None:
    first = folder / _name(number - number % _LINKS)
    path = folder / _name(number)
    if path != first:
        os.link(first, path)
        return
    from PIL import Image

    Image.new('RGB', (_WIDTH, _HEIGHT), colour).save(path)


def main(args: argparse.Namespace) -> None:
    share = args.val_images / args.images
    make_part(args.folder, 'train', args.images, args.boxes, args.classes)
    boxes = max(args.classes, round(share * args.boxes))
    make_part(args.folder, 'val', args.val_images, boxes, args.classes)


if __name__ == '__main__':
    main(parse_args())
