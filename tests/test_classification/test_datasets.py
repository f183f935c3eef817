"""CIFAR-100 and folders of images."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmreviewkd.classification.datasets import CIFAR100Images, ImageFolder
from mmreviewkd.errors import UsageError


def test_npz_files_are_read(cifar):
    train, test = (CIFAR100Images(str(cifar), train) for train in (True, False))
    assert (len(train), len(test)) == (64, 16)
    assert train.metainfo == dict(classes=('black', 'dark', 'light', 'white'))
    stored = np.load(cifar / 'test.npz')
    item = test[5]
    assert item['data_samples'] == 1
    assert item['inputs'].dtype == torch.uint8
    assert np.array_equal(item['inputs'].permute(1, 2, 0), stored['images'][5])


def test_first_images_of_each_class(cifar):
    some = CIFAR100Images(str(cifar), per_class=3)
    every = CIFAR100Images(str(cifar))
    assert some.labels == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert torch.equal(some.images[3:6], every.images[16:19])


def test_images_are_spread_evenly_over_the_whole(cifar):
    # 64 images, 16 of each class in order.
    some = CIFAR100Images(str(cifar), indices=4)
    assert some.labels == [0, 1, 2, 3]
    every = CIFAR100Images(str(cifar))
    assert torch.equal(some.images, every.images[[0, 21, 42, 63]])


def test_torchvisions_folder_is_read(tmp_path, monkeypatch):
    from torchvision import datasets

    class Found:
        base_folder = 'cifar-100-python'

        def __init__(self, root, train):
            assert (root, train) == (str(tmp_path), False)
            self.data = np.arange(2 * 32 * 32 * 3, dtype=np.uint8).reshape(2, 32, 32, 3)
            self.targets = [7, 1]
            self.classes = ['a', 'b']

    monkeypatch.setattr(datasets, 'CIFAR100', Found)
    found = CIFAR100Images(str(tmp_path), train=False)
    assert found.labels == [7, 1]
    assert found.metainfo == dict(classes=('a', 'b'))
    assert found[0]['inputs'][:, 0, 0].tolist() == [0, 1, 2]


def test_missing_cifar_is_said_with_what_to_run(tmp_path):
    with pytest.raises(UsageError, match=r'train\.npz(.|\n)*download=True'):
        CIFAR100Images(str(tmp_path))


def test_image_folder(tmp_path):
    for name in ('cat', 'dog'):
        (tmp_path / name).mkdir()
        picture = np.full((300, 400, 3), 200, dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / name / '1.png')
    for train in (True, False):
        folder = ImageFolder(str(tmp_path), train=train, size=64)
        assert len(folder) == 2
        assert folder.metainfo == dict(classes=('cat', 'dog'))
        item = folder[1]
        assert item['data_samples'] == 1
        assert torch.equal(item['inputs'], torch.full((3, 64, 64), 200).byte())
    one = ImageFolder(str(tmp_path), size=64, indices=[1])
    assert len(one) == 1 and one[0]['data_samples'] == 1


def test_missing_folder_is_said_with_what_to_get(tmp_path):
    with pytest.raises(UsageError, match='ILSVRC2012_img_train.tar'):
        ImageFolder(str(tmp_path / 'train'))
