from pathlib import Path

import pytest

from mmreviewkd.datasets import make_digits


@pytest.fixture
def configs():
    """The folder of the job's configs."""
    return Path(__file__).resolve().parents[2] / 'configs' / 'small'


@pytest.fixture(scope='session')
def digits(tmp_path_factory):
    """A set of a few digits, with masks."""
    root = tmp_path_factory.mktemp('data') / 'tiny'
    return make_digits(root, num_train=8, num_val=4, image_size=96)
