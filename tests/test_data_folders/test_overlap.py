"""Images of the data set in a folder of unlabelled ones; test_faults has its parts."""

import shutil

import pytest
from coco_sets import save_as, write_coco

from mmreviewkd.data_folders import DataError, open_folder

LAYOUT = dict(annotations='{}.json', images='images/{}')


def notes_of(root, more):
    return [note for note in open_folder(root, unlabeled=[more]).notes if more in note]


@pytest.fixture
def root(tmp_path):
    return write_coco(tmp_path / 'data', **LAYOUT)


@pytest.fixture
def more(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'more/deep').mkdir(parents=True)
    save_as('plain', tmp_path / 'more/own.png', 32, 32)
    return 'more'


def test_nothing_to_tell(root, more, tmp_path):
    # Of the same name, size and ends, but not of the same content.
    for name in ('00.png', '10.png'):
        part = 'train' if name == '00.png' else 'val'
        content = bytearray((root / 'images' / part / name).read_bytes() + bytes(9999))
        (root / 'images' / part / name).write_bytes(content)
        content[6000] = 1
        (tmp_path / more / name).write_bytes(content)
    assert notes_of(root, more) == []


def test_images_of_both_parts(root, more, tmp_path):
    images = root / 'images'
    shutil.copy(images / 'train/00.png', tmp_path / more / 'renamed.png')
    shutil.copy(images / 'val/10.png', tmp_path / more / '10.png')
    shutil.copy(images / 'val/11.png', tmp_path / more / 'deep/11.png')
    assert notes_of(root, more) == [
        '1 image of --unlabeled more stands in train.json too, by content: '
        'renamed.png; the student sees them twice, so take them out of that folder',
        '2 images of --unlabeled more stand in val.json too, by content: 10.png, '
        'deep/11.png; the AP is too good by them, so take them out of that folder',
    ]


def test_no_images(root, tmp_path):
    with pytest.raises(DataError, match='--unlabeled .*none: .* is not there'):
        open_folder(root, unlabeled=[tmp_path / 'none'])
