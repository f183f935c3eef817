from pathlib import Path

import pytest
from coco_sets import POLYGON, write_coco

from mmreviewkd.data_folders import open_folder
from mmreviewkd.datasets import make_digits


@pytest.fixture(scope='session')
def configs():
    """The folder of the job's configs."""
    return Path(__file__).resolve().parents[2] / 'configs' / 'small'


@pytest.fixture(scope='session')
def digits(tmp_path_factory):
    """A set of a few digits, with masks."""
    root = tmp_path_factory.mktemp('data') / 'tiny'
    return make_digits(root, num_train=8, num_val=4, image_size=96)


@pytest.fixture
def boxes(tmp_path):
    """A set without masks, as some have it."""
    return open_folder(write_coco(tmp_path / 'boxes', segmentation='[]'))


@pytest.fixture
def masks(tmp_path):
    """A set with masks."""
    return open_folder(write_coco(tmp_path / 'masks', segmentation=POLYGON))
