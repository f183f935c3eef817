"""Data sets in Pascal VOC format: an XML file an image."""

from collections.abc import Container, Iterable
from pathlib import Path

from mmreviewkd.image_files import is_image
from mmreviewkd.names import counted, printable

from .errors import DataError
from .label_set import Labelled, LabelSet, Thing, things
from .splits import split_folders

_ANNOTATIONS = ('', 'Annotations', 'annotations', 'xmls', 'labels')
_IMAGES = ('JPEGImages', 'images', '')
_HEAD = 1000


def find_voc(root: Path) -> LabelSet | None:
    """Find a set in Pascal VOC format; None where there is none.

    Raises:
        DataError: If its lists or images are not there.
    """
    tops = [root, *sorted(root.glob('VOC20*')), *sorted(root.glob('VOCdevkit/VOC20*'))]
    found_in = {top: labels for top in tops if (labels := _xml_files(top))}
    if found_in:
        (top, labels), *others = found_in.items()
        lists = top / 'ImageSets' / 'Main'
        if lists.is_dir():
            label_set = _from_lists(top, lists, labels)
        else:
            label_set = _label_set(dict(train=_pair(top, labels)))
        if others:
            rest = ', '.join(printable(str(other)) for other, _ in others)
            label_set.notes.append(
                f'{printable(top.name)} alone is used, not {rest}; to take another, '
                'give its folder'
            )
        return label_set
    folders = split_folders(root)
    found = {split: _xml_files(folder) for split, folder in folders.items()}
    if not found.get('train'):
        return None
    return _label_set(
        {
            split: _pair(folders[split], found[split])
            for split in ('train', 'val')
            if found.get(split)
        }
    )


def _xml_files(top: Path) -> list[Path]:
    for name in _ANNOTATIONS:
        paths = sorted((top / name).glob('*.xml'))
        if not paths:
            continue
        with paths[0].open('rb') as file:
            head = file.read(_HEAD)
        if b'<annotation' not in head:
            continue
        if b'<annotations' in head:
            raise DataError(
                f'{paths[0]} is in the format "CVAT for images", which is not read; '
                'export the task as "COCO 1.0"'
            )
        return paths
    return []


def _from_lists(top: Path, lists: Path, labels: list[Path]) -> LabelSet:
    by_name = {label.stem: label for label in labels}
    names = {
        split: _names(lists / f'{split}.txt', by_name)
        for split in ('train', 'val')
        if (lists / f'{split}.txt').is_file()
    }
    if 'train' not in names:
        both = lists / 'trainval.txt'
        if not both.is_file():
            raise DataError(f'{lists} has neither train.txt nor trainval.txt')
        val = {*names.get('val', ())}
        names['train'] = [name for name in _names(both, by_name) if name not in val]
        if not names['train']:
            raise DataError(f'{both} has no other names than val.txt')
    return _label_set(
        {
            split: _pair(top, [by_name[name] for name in names[split]])
            for split in ('train', 'val')
            if split in names
        }
    )


def _names(path: Path, by_name: Container[str]) -> list[str]:
    """The names that a list has, one a line, with a number behind each at times."""
    lines = path.read_text(encoding='utf-8-sig').splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise DataError(f'{path} is empty; write a name a line, or delete it')
    missing = [name for name in names if name not in by_name]
    if missing:
        raise DataError(
            f'{path} lists {counted(len(missing), "name")} without an XML file, '
            f'such as {printable(missing[0])}'
        )
    return names


def _pair(top: Path, labels: list[Path]) -> list[Labelled]:
    """Find the image of each label file, by its name."""
    folders = dict.fromkeys([*(top / name for name in _IMAGES), labels[0].parent])
    images: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob('*'):
            if is_image(path):
                images.setdefault(path.stem, path)
    missing = [label.name for label in labels if label.stem not in images]
    if missing:
        raise DataError(
            f'{counted(len(missing), "XML file")} of {len(labels)} in '
            f'{labels[0].parent} without an image of the same name, such as '
            f'{printable(missing[0])}; looked in {", ".join(map(str, folders))}'
        )
    return [Labelled(images[label.stem], label) for label in labels]


def _label_set(parts: dict[str, list[Labelled]]) -> LabelSet:
    sources = [item.label for part in parts.values() for item in part if item.label]
    notes = []
    unlabelled = _unlabelled(parts)
    if unlabelled:
        notes.append(
            f'{counted(len(unlabelled), "image")} without an XML file left out, such '
            f'as {printable(unlabelled[0])}'
        )
    return LabelSet('Pascal VOC', parts, _things, sources, notes=notes)


def _unlabelled(parts: dict[str, list[Labelled]]) -> list[str]:
    used = {item.image for part in parts.values() for item in part}
    stems = {
        label.stem
        for folder in {
            item.label.parent for part in parts.values() for item in part if item.label
        }
        for label in folder.glob('*.xml')
    }
    return sorted(
        path.name
        for folder in {image.parent for image in used}
        for path in folder.glob('*')
        if is_image(path) and path.stem not in stems
    )


def _things(label: Path, width: int, height: int) -> Iterable[Thing]:
    from defusedxml.ElementTree import parse
    from supervision.dataset.formats.pascal_voc import detections_from_xml_obj

    root = parse(label).getroot()
    size = root.find('size')
    if size is not None:
        said = tuple(int(float(size.findtext(key) or 0)) for key in ('width', 'height'))
        # Some tools write 0 where they do not know it.
        if all(said) and said != (width, height):
            raise ValueError(
                f'it is for an image of {said[0]}x{said[1]} pixels, but the image has '
                f'{width}x{height}'
            )
    found, classes = detections_from_xml_obj(root, [], (width, height))
    yield from things(found, classes)
