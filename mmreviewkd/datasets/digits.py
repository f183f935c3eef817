"""Handwritten digits pasted into photographs, in COCO format.

All pixels are real and come with scikit-learn: 1797 scanned digits and two
photographs. Boxes and masks are exact, since we paste the digits ourselves.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

DIGIT_NAMES = (
    'zero', 'one', 'two', 'three', 'four',
    'five', 'six', 'seven', 'eight', 'nine',
)  # fmt: skip

# Raise it with every change that makes other images from the same arguments.
_VERSION = 1
_STAMP = 'digits.json'
_SPLITS = ('train', 'val')
_TRAIN_SHARE = 0.7
_CROP_SIDE = (120, 320)
_MAX_CONTRAST = 160
_MIN_AREA = 12
_TRIES = 10
_LUMA = np.array([0.299, 0.587, 0.114])


def make_digits(
    root: str | Path,
    num_train: int = 600,
    num_val: int = 200,
    image_size: int = 160,
    seed: int = 0,
    digits_per_image: tuple[int, int] = (2, 6),
    digit_size: tuple[float, float] = (0.0875, 0.275),
    max_rotation: float = 20.0,
    min_contrast: float = 40.0,
    min_visible: float = 0.4,
) -> Path:
    """Write a detection and instance-segmentation set of ten classes.

    Training and validation share no digit and no part of a photograph. The
    same arguments give the same files. A folder that already holds this set is
    left as it is; an interrupted call leaves no half-made ``root``.

    Args:
        root: Folder to make, with ``images/`` and
            ``annotations/instances_{train,val}.json``.
        num_train: Number of training images. Defaults to 600.
        num_val: Number of validation images. Defaults to 200.
        image_size: Side of the square images in pixels. Defaults to 160.
        seed: Seed of every random choice. Defaults to 0.
        digits_per_image: Least and greatest number of digits to paste; an
            image may hold fewer where they would hide each other. Defaults to
            (2, 6).
        digit_size: Least and greatest side of a digit, as a share of
            ``image_size``. Defaults to (0.0875, 0.275): 14 to 44 px of 160.
        max_rotation: Greatest rotation in degrees. Defaults to 20.0.
        min_contrast: Least difference in brightness (0 to 127) between the
            ink and the median of what it covers. Defaults to 40.0.
        min_visible: Share (0 to 1) of a digit that later digits must leave
            visible. Defaults to 0.4.

    Returns:
        ``root`` as a path.

    Raises:
        ImportError: If scikit-learn or Pillow is missing.
        ValueError: If an argument is out of range.
        FileExistsError: If ``root`` holds something else.
    """
    args: dict[str, Any] = dict(
        num_train=num_train,
        num_val=num_val,
        image_size=image_size,
        seed=seed,
        digits_per_image=list(digits_per_image),
        digit_size=list(digit_size),
        max_rotation=max_rotation,
        min_contrast=min_contrast,
        min_visible=min_visible,
    )
    _check_args(**args)
    root = Path(root)
    stamp = dict(version=_VERSION, **args)
    if _is_made(root, stamp):
        return root

    sources = _load_sources()
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f'.{root.name}-', dir=root.parent) as tmp:
        new = Path(tmp) / root.name
        (new / 'images').mkdir(parents=True)
        (new / 'annotations').mkdir()
        for split, number in zip(_SPLITS, (num_train, num_val), strict=True):
            coco = _make_split(new / 'images', split, number, args, *sources)
            path = new / 'annotations' / f'instances_{split}.json'
            path.write_text(json.dumps(coco))
        (new / _STAMP).write_text(json.dumps(stamp, indent=2))
        try:
            new.rename(root)
        except OSError:
            # Another process was faster; fine if it made the same set.
            if not _is_made(root, stamp):
                raise
    return root


def _check_args(
    num_train: int,
    num_val: int,
    image_size: int,
    seed: int,
    digits_per_image: tuple[int, int],
    digit_size: tuple[float, float],
    max_rotation: float,
    min_contrast: float,
    min_visible: float,
) -> None:
    fewest, most = digits_per_image
    smallest, largest = digit_size
    for ok, message in (
        (num_train >= 1, f'num_train must be at least 1, got {num_train}'),
        (num_val >= 1, f'num_val must be at least 1, got {num_val}'),
        (image_size >= 32, f'image_size must be at least 32, got {image_size}'),
        (seed >= 0, f'seed must not be negative, got {seed}'),
        (
            1 <= fewest <= most,
            f'digits_per_image must be (least >= 1, greatest), got {digits_per_image}',
        ),
        (
            0 < smallest <= largest <= 0.5 and smallest * image_size >= 8,
            'digit_size must be (least, greatest) with at least 8 pixels '
            f'({8 / image_size:.3g} of image_size) and at most 0.5, got {digit_size}',
        ),
        (
            0 <= max_rotation <= 180,
            f'max_rotation must lie in 0..180, got {max_rotation}',
        ),
        (
            0 <= min_contrast <= 127,
            f'min_contrast must lie in 0..127, got {min_contrast}',
        ),
        (0 < min_visible <= 1, f'min_visible must lie in 0..1, got {min_visible}'),
    ):
        if not ok:
            raise ValueError(message)


def _is_made(root: Path, stamp: dict) -> bool:
    """Whether ``root`` holds the set of this stamp; anything else is an error."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    advice = 'choose another folder or delete it'
    path = root / _STAMP
    if not path.is_file():
        raise FileExistsError(f'{root} exists and is not a digits set; {advice}')
    found = json.loads(path.read_text())
    other = [
        f'{key}={found.get(key)} (asked for: {value})'
        for key, value in stamp.items()
        if found.get(key) != value
    ]
    if other:
        raise FileExistsError(
            f'{root} holds digits made with {", ".join(other)}; {advice}'
        )
    return True


def _load_sources() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Digits (N, 8, 8) in 0..1, their labels (N,) and the RGB photographs."""
    try:
        from sklearn.datasets import load_digits, load_sample_images

        photos = load_sample_images().images
    except ImportError as error:
        raise ImportError(
            'the digits set needs scikit-learn and Pillow: pip install mmreviewkd[demo]'
        ) from error
    digits = load_digits()
    return (digits.images / 16).astype(np.float32), digits.target, photos


def _make_split(
    folder: Path,
    split: str,
    number: int,
    args: dict,
    digits: np.ndarray,
    labels: np.ndarray,
    photos: list[np.ndarray],
) -> dict:
    """Write the images of a split and return its COCO annotations."""
    pools = [_split_pool(np.flatnonzero(labels == c), split) for c in range(10)]
    strips = [_photo_strip(photo.shape[1], split) for photo in photos]
    images: list[dict] = []
    annotations: list[dict] = []
    for index in range(number):
        # One generator an image: a larger set begins with the smaller one.
        rng = np.random.default_rng([args['seed'], _SPLITS.index(split), index])
        which = int(rng.integers(len(photos)))
        canvas, crop = _background(photos[which], strips[which], args, rng)
        canvas, placed = _paste_digits(canvas, digits, pools, args, rng)
        name = f'{split}_{index:05d}.jpg'
        image = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
        cv2.imwrite(
            str(folder / name),
            np.ascontiguousarray(image[..., ::-1]),
            [cv2.IMWRITE_JPEG_QUALITY, 95],
        )
        images.append(
            dict(
                id=index + 1,
                file_name=name,
                width=args['image_size'],
                height=args['image_size'],
                license=1,
                photo=which,
                crop=crop,
            )
        )
        for label, digit, mask in placed:
            rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=index + 1,
                    category_id=label + 1,
                    segmentation=dict(
                        size=[int(side) for side in rle['size']],
                        counts=rle['counts'].decode(),
                    ),
                    bbox=_mask_box(mask),
                    area=int(mask.sum()),
                    iscrowd=0,
                    digit=digit,
                )
            )
    return dict(
        info=dict(
            description='Handwritten digits (E. Alpaydin) pasted into photographs '
            '(danielbuechele and vultilion, Flickr), both as shipped with '
            'scikit-learn'
        ),
        licenses=[
            dict(
                id=1,
                name='CC BY 2.0 (photographs)',
                url='https://creativecommons.org/licenses/by/2.0/',
            )
        ],
        images=images,
        annotations=annotations,
        categories=[
            dict(id=i + 1, name=name, supercategory='digit')
            for i, name in enumerate(DIGIT_NAMES)
        ],
    )


def _split_pool(samples: np.ndarray, split: str) -> np.ndarray:
    """The samples of one class that belong to a split, whatever the seed."""
    cut = round(_TRAIN_SHARE * len(samples))
    return samples[:cut] if split == 'train' else samples[cut:]


def _photo_strip(width: int, split: str) -> tuple[int, int]:
    """Columns of a photograph that belong to a split: left or right half."""
    return (0, width // 2) if split == 'train' else (width // 2, width)


def _background(
    photo: np.ndarray,
    strip: tuple[int, int],
    args: dict,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[int]]:
    """A random crop, flipped and resized, and its place [x, y, w, h]."""
    left, right = strip
    height = photo.shape[0]
    least, greatest = _CROP_SIDE
    side = int(rng.integers(least, min(greatest, right - left, height) + 1))
    x = int(rng.integers(left, right - side + 1))
    y = int(rng.integers(0, height - side + 1))
    crop = photo[y : y + side, x : x + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.5:
        crop = crop[::-1]
    size = args['image_size']
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    canvas = cv2.resize(np.ascontiguousarray(crop), (size, size), interpolation=method)
    return canvas.astype(np.float32), [x, y, side, side]


def _paste_digits(
    canvas: np.ndarray,
    digits: np.ndarray,
    pools: list[np.ndarray],
    args: dict,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[tuple[int, int, np.ndarray]]]:
    """Paste digits one over the other.

    Returns:
        The image and, of each digit, its label, its sample and its visible mask.
    """
    fewest, most = args['digits_per_image']
    placed: list[tuple] = []
    areas: list[int] = []
    for _ in range(rng.integers(fewest, most + 1)):
        label = int(rng.integers(len(pools)))
        digit = int(rng.choice(pools[label]))
        for _ in range(_TRIES):
            alpha = _draw_digit(digits[digit], args, rng)
            mask = alpha >= 0.5
            area = mask.sum()
            rests = [old & ~mask for _, _, old in placed]
            if area >= _MIN_AREA and all(
                rest.sum() >= max(args['min_visible'] * full, _MIN_AREA)
                for rest, full in zip(rests, areas, strict=True)
            ):
                break
        else:
            continue
        # The median, since the mean of a bright and a dark side is neither.
        base = float(np.median(canvas[mask] @ _LUMA))
        ink = _ink_colour(base, args['min_contrast'], rng)
        canvas = canvas + alpha[..., None] * (ink - canvas)
        placed = [
            (old_label, old_digit, rest)
            for (old_label, old_digit, _), rest in zip(placed, rests, strict=True)
        ]
        placed.append((label, digit, mask))
        areas.append(area)
    return canvas, placed


def _draw_digit(digit: np.ndarray, args: dict, rng: np.random.Generator) -> np.ndarray:
    """The digit's opacity (image_size, image_size), at a random place and form."""
    size = args['image_size']
    side = rng.uniform(*args['digit_size']) * size
    angle = np.deg2rad(rng.uniform(-args['max_rotation'], args['max_rotation']))
    aspect = np.exp(rng.uniform(-0.15, 0.15))
    shear = rng.uniform(-0.15, 0.15)
    # Wholly inside the image but for the empty corners of a turned digit.
    centre = rng.uniform(side / 2, size - side / 2, 2)
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    linear = side / 8 * rotation @ np.array([[aspect, shear], [0, 1 / aspect]])
    middle = np.array([3.5, 3.5])
    offset = centre - 0.5 - linear @ middle
    ink = cv2.warpAffine(
        digit, np.c_[linear, offset], (size, size), flags=cv2.INTER_CUBIC
    )
    # Steeper than the scan, so that an enlarged stroke keeps a clear edge.
    return np.clip(1.6 * ink - 0.3, 0, 1)


def _ink_colour(
    base: float, min_contrast: float, rng: np.random.Generator
) -> np.ndarray:
    """An RGB colour (3,) whose brightness differs enough from ``base``."""
    contrast = rng.uniform(min_contrast, max(_MAX_CONTRAST, min_contrast))
    sign = 1 if rng.random() < 0.5 else -1
    if not 0 <= base + sign * contrast <= 255:
        sign = 1 if base < 127.5 else -1
    luma = float(np.clip(base + sign * contrast, 0, 255))
    tint = rng.uniform(-60, 60, 3)
    tint -= _LUMA @ tint
    # Scaled, not clipped: clipping would change the brightness.
    room = min(luma, 255 - luma)
    return luma + tint * min(1, room / np.abs(tint).max())


def _mask_box(mask: np.ndarray) -> list[int]:
    """The box [x, y, w, h] that just holds the mask."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]
