"""Which files are images."""

from pathlib import Path

# Those that MMDetection and the converter of data sets both read.
IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


def is_image(path: Path) -> bool:
    """Tell by its name whether a path is an image; a folder is none."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir()


def images_in(folder: Path) -> list[Path]:
    """List all images in a folder and in those within."""
    return sorted(filter(is_image, folder.rglob('*')))
