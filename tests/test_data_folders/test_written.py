import pytest
from coco_sets import change, write_coco
from data_formats import BOX, write_yolo

from mmreviewkd.data_folders import DataError, Given, open_folder

HALF = Given(val_fraction=0.5)


def test_the_same_files_each_time(tmp_path):
    root = write_coco(tmp_path / 'set', splits=('train',), images_each=6)
    work = tmp_path / 'work'

    def open_again():
        data = open_folder(root, work_dir=work, given=HALF)
        paths = [root / split.ann_file for split in (data.train, data.val)]
        assert [path.parent for path in paths] == [work / 'data'] * 2
        return data, [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]

    data, contents = open_again()
    assert (data.train.images, data.val.images) == (3, 3)
    assert open_again() == (data, contents)
    # Cut off before the last file, they are made again.
    (work / 'data/made_from.json').unlink()
    (work / 'data/val.json').write_text('{')
    assert [text for text, _ in open_again()[1]] == [text for text, _ in contents]


def test_other_data_are_refused(tmp_path):
    root = write_coco(tmp_path / 'set', splits=('train',), images_each=6)
    open_folder(root, work_dir=tmp_path, given=HALF)
    with pytest.raises(DataError, match='differing: val_fraction'):
        open_folder(root, work_dir=tmp_path, given=Given(val_fraction=0.2))
    change(root, lambda coco: coco['annotations'].pop(), 'train')
    with pytest.raises(DataError, match='differing: files'):
        open_folder(root, work_dir=tmp_path, given=HALF)


def test_other_labels_and_images_are_refused(tmp_path):
    root = write_yolo(tmp_path / 'set')
    first = open_folder(root, work_dir=tmp_path)
    assert open_folder(root, work_dir=tmp_path) == first
    image = root / 'train/images/train.png'
    (image.parent / 'more.png').write_bytes(image.read_bytes())
    with pytest.raises(DataError, match='differing: images'):
        open_folder(root, work_dir=tmp_path)
    (image.parent / 'more.png').unlink()
    (root / 'train/labels/train.txt').write_text(f'0 {BOX}')
    with pytest.raises(DataError, match='differing: files'):
        open_folder(root, work_dir=tmp_path)
