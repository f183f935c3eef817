import builtins
import json
import sys

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from mmreviewkd.datasets import DIGIT_NAMES, make_digits
from mmreviewkd.datasets.digits import _LUMA, _ink_colour

pytest.importorskip('sklearn', reason='the digits come with scikit-learn')
SMALL = dict(num_train=30, num_val=10, image_size=96)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    # Few places and many digits, so that some of them hide parts of others.
    return make_digits(
        tmp_path_factory.mktemp('digits') / 'set',
        **SMALL,
        digits_per_image=(5, 8),
    )


@pytest.fixture(scope='module')
def cocos(root):
    return {
        split: COCO(str(root / f'annotations/instances_{split}.json'))
        for split in ('train', 'val')
    }


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_layout(root, cocos):
    for split, number in (('train', 30), ('val', 10)):
        coco = cocos[split]
        assert len(coco.imgs) == number
        names = [c['name'] for c in coco.loadCats(coco.getCatIds())]
        assert names == list(DIGIT_NAMES)
        for info in coco.imgs.values():
            image = cv2.imread(str(root / 'images' / info['file_name']))
            assert image.shape == (96, 96, 3)
            assert (info['width'], info['height']) == (96, 96)
    assert len(list((root / 'images').iterdir())) == 40


def test_boxes_and_areas_are_those_of_the_masks(cocos):
    for coco in cocos.values():
        assert coco.anns
        for ann in coco.anns.values():
            mask = coco.annToMask(ann)
            rows, columns = np.nonzero(mask)
            x, y = columns.min(), rows.min()
            size = columns.max() - x + 1, rows.max() - y + 1
            assert ann['bbox'] == [x, y, *size]
            assert ann['area'] == mask.sum()
            assert ann['iscrowd'] == 0


def test_masks_of_an_image_do_not_overlap(cocos):
    crowded = 0
    for image_id in cocos['train'].imgs:
        anns = cocos['train'].loadAnns(cocos['train'].getAnnIds(image_id))
        masks = [cocos['train'].annToMask(ann) for ann in anns]
        assert np.sum(masks, axis=0).max() == 1
        boxes = np.zeros((96, 96), int)
        for x, y, w, h in (ann['bbox'] for ann in anns):
            boxes[y : y + h, x : x + w] += 1
        crowded += boxes.max() > 1
    # Otherwise the set is too sparse to test anything.
    assert crowded > 10


def test_later_digits_leave_the_earlier_ones_visible(tmp_path):
    # So large and so many that there is no room for all side by side.
    common = dict(SMALL, num_val=1, digits_per_image=(8, 8), digit_size=(0.4, 0.5))
    counts = []
    for share in (0.2, 1.0):
        root = make_digits(tmp_path / str(share), **common, min_visible=share)
        text = (root / 'annotations/instances_train.json').read_text()
        counts.append(len(json.loads(text)['annotations']))
    assert counts[1] < counts[0] <= 8 * 30


def test_masks_lie_on_the_ink(tmp_path):
    root = make_digits(tmp_path / 'set', num_train=20, num_val=1, min_contrast=120)
    coco = COCO(str(root / 'annotations/instances_train.json'))
    differences = []
    for ann in coco.anns.values():
        name = coco.imgs[ann['image_id']]['file_name']
        image = cv2.imread(str(root / 'images' / name))[..., ::-1] @ _LUMA
        mask = coco.annToMask(ann)
        ring = cv2.dilate(mask, np.ones((7, 7))) - cv2.dilate(mask, np.ones((5, 5)))
        inside, outside = image[mask == 1], image[ring == 1]
        differences.append(abs(np.median(inside) - np.median(outside)))
    assert np.median(differences) > 80


def test_train_and_val_share_no_digit_and_no_pixel(cocos):
    digits = {
        split: {ann['digit'] for ann in coco.anns.values()}
        for split, coco in cocos.items()
    }
    assert not digits['train'] & digits['val']
    for photo in (0, 1):
        crops = {
            split: [i['crop'] for i in coco.imgs.values() if i['photo'] == photo]
            for split, coco in cocos.items()
        }
        assert max(x + w for x, _, w, _ in crops['train']) <= 320
        assert min(x for x, _, _, _ in crops['val']) >= 320


def test_labels_are_those_of_the_digits(cocos):
    from sklearn.datasets import load_digits

    target = load_digits().target
    for coco in cocos.values():
        for ann in coco.anns.values():
            assert ann['category_id'] == target[ann['digit']] + 1


def test_same_arguments_give_the_same_files(tmp_path):
    first = contents(make_digits(tmp_path / 'a', **SMALL))
    second = contents(make_digits(tmp_path / 'b', **SMALL))
    assert first == second
    other = contents(make_digits(tmp_path / 'c', **SMALL, seed=1))
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_a_made_set_is_left_alone(tmp_path):
    root = make_digits(tmp_path / 'set', **SMALL)
    mark = root / 'images' / 'train_00000.jpg'
    mark.write_bytes(b'mine')
    assert make_digits(str(root), **SMALL) == root
    assert mark.read_bytes() == b'mine'


def test_other_arguments_are_refused(tmp_path):
    root = make_digits(tmp_path / 'set', **SMALL)
    before = contents(root)
    with pytest.raises(FileExistsError, match='seed=0 .asked for: 3.*delete it'):
        make_digits(root, **SMALL, seed=3)
    assert contents(root) == before


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='not a digits set; choose another'):
        make_digits(tmp_path, **SMALL)
    assert contents(tmp_path) == {'notes.txt': b'mine'}


def test_an_interrupted_call_leaves_nothing(tmp_path, monkeypatch):
    written = []

    def imwrite(path, *args):
        written.append(path)
        if len(written) == 5:
            raise KeyboardInterrupt
        return True

    with monkeypatch.context() as patch:
        patch.setattr(cv2, 'imwrite', imwrite)
        with pytest.raises(KeyboardInterrupt):
            make_digits(tmp_path / 'set', **SMALL)
    assert not list(tmp_path.iterdir())
    assert (make_digits(tmp_path / 'set', **SMALL) / 'images').is_dir()


def test_missing_scikit_learn(tmp_path, monkeypatch):
    real = builtins.__import__

    def no_sklearn(name, *args, **kwargs):
        if name.startswith('sklearn'):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, 'sklearn.datasets', raising=False)
    monkeypatch.setattr(builtins, '__import__', no_sklearn)
    with pytest.raises(ImportError, match=r'pip install mmreviewkd\[demo\]'):
        make_digits(tmp_path / 'set', **SMALL)


@pytest.mark.parametrize(
    'wrong',
    [
        dict(num_train=0),
        dict(num_val=0),
        dict(image_size=8),
        dict(image_size=40),
        dict(seed=-1),
        dict(digits_per_image=(3, 2)),
        dict(digit_size=(0.4, 0.8)),
        dict(max_rotation=-1),
        dict(min_contrast=200),
        dict(min_visible=0),
    ],
)
def test_wrong_arguments(tmp_path, wrong):
    name = 'digit_size' if wrong == dict(image_size=40) else next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        make_digits(tmp_path / 'set', **wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('least', [0, 40, 127])
def test_ink_keeps_its_contrast(least):
    rng = np.random.default_rng(0)
    for base in np.linspace(0, 255, 200):
        ink = _ink_colour(base, least, rng)
        assert ink.min() >= -1e-9 and ink.max() <= 255 + 1e-9
        assert abs(_LUMA @ ink - base) >= least - 1e-9
