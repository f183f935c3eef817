import pytest
from coco_sets import change, write_coco
from data_formats import BOX, write_image, write_voc, write_yolo

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


@pytest.mark.parametrize('place', ['.', 'work'])
@pytest.mark.parametrize(
    'write, given',
    [
        (lambda root: write_coco(root, annotations='a.json', splits=('train',)), HALF),
        (write_yolo, None),
    ],
)
def test_work_dir_within_the_data(tmp_path, place, write, given):
    write(tmp_path)
    work = tmp_path / place
    first = open_folder(tmp_path, work_dir=work, given=given)
    assert (work / 'data/train.json').is_file()
    assert open_folder(tmp_path, work_dir=work, given=given) == first


def lists_of_voc(root):
    write_voc(root, number=4)
    return [root / 'ImageSets/Main' / f'{part}.txt' for part in ('train', 'val')]


def lists_of_yolo(root):
    (root / 'labels').mkdir(parents=True)
    for index in range(4):
        write_image(root / 'images' / f'{index}.png')
        (root / 'labels' / f'{index}.txt').write_text(f'0 {BOX}')
    lines = ['train: train.txt', 'val: val.txt', 'names: [cat]']
    (root / 'data.yaml').write_text('\n'.join(lines))
    return [root / f'{part}.txt' for part in ('train', 'val')]


@pytest.mark.parametrize(
    'write, line', [(lists_of_voc, '{}'), (lists_of_yolo, 'images/{}.png')]
)
def test_another_division_of_the_same_images_is_refused(tmp_path, write, line):
    root = tmp_path / 'set'
    lists = write(root)

    def divide(number):
        names = [line.format(index) for index in range(4)]
        for path, part in zip(lists, (names[:number], names[number:]), strict=True):
            path.write_text('\n'.join(part))
        return open_folder(root, work_dir=tmp_path)

    first = divide(3)
    assert (first.train.images, first.val.images) == (3, 1)
    with pytest.raises(DataError, match='differing: parts'):
        divide(2)
    assert divide(3) == first
