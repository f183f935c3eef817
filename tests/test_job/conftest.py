from pathlib import Path

import pytest
from coco_sets import POLYGON, write_coco
from mmengine.config import config as config_module
from yapf.yapflib import yapf_api

from mmreviewkd.data_folders import open_folder
from mmreviewkd.datasets import make_digits
from mmreviewkd.job import image_matches, inference_cost


@pytest.fixture(scope='session')
def configs():
    """The folder of the job's configs."""
    return Path(__file__).resolve().parents[2] / 'configs' / 'small'


@pytest.fixture(scope='session')
def digits(tmp_path_factory):
    """A set of a few digits, with masks."""
    root = tmp_path_factory.mktemp('data') / 'tiny'
    return make_digits(root, num_train=8, num_val=4, image_size=96)


@pytest.fixture(scope='module')
def brief():
    """Runs that measure little once they are trained; tests of that measure it all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference_cost, 'PREDICTIONS', 2)
        patch.setattr(inference_cost, 'WARM_UP', 0)
        patch.setattr(image_matches, 'RESAMPLES', 20)
        yield


@pytest.fixture(scope='module')
def unformatted():
    """Configs that are written as they are, which yapf would lay out for seconds."""

    def as_it_is(code, **style):
        return code, False

    with pytest.MonkeyPatch.context() as patch:
        # Versions of MMEngine differ in where they take it from.
        patch.setattr(yapf_api, 'FormatCode', as_it_is)
        patch.setattr(config_module, 'FormatCode', as_it_is, raising=False)
        yield


@pytest.fixture
def boxes(tmp_path):
    """A set without masks, as some have it."""
    return open_folder(write_coco(tmp_path / 'boxes', segmentation='[]'))


@pytest.fixture
def masks(tmp_path):
    """A set with masks."""
    return open_folder(write_coco(tmp_path / 'masks', segmentation=POLYGON))
