import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import config as config_module
from mmengine.config import utils as config_utils
from mmengine.registry import MODELS, DefaultScope, Registry
from mmengine.visualization import Visualizer
from yapf.yapflib import yapf_api

import mmreviewkd  # noqa: F401  it has to come before mmcv.ops

# Several test runs may share a machine, and the models here are tiny.
torch.set_num_threads(1)

# MMREVIEWKD_SHARED names another place, as for a machine that gets one folder only.
_SHARED = Path(
    os.environ.get('MMREVIEWKD_SHARED')
    or Path(__file__).resolve().parents[2] / 'shared'
)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker('gpu') and not torch.cuda.is_available():
        pytest.skip('needs an NVIDIA GPU')


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Each Runner sets scope and visualizer for good, where later tests find them."""
    yield
    DefaultScope._instance_dict.clear()
    # Each class keeps its own.
    for cls in (Visualizer, *Visualizer.__subclasses__()):
        cls._instance_dict.clear()


@pytest.fixture(scope='session', autouse=True)
def _configs_take_little_time() -> Iterator[None]:
    """Do once what MMEngine does with a config again and again, to the same end."""
    lay_out = yapf_api.FormatCode
    laid_out = {}

    def format_code(code: str, **style) -> tuple:
        if code not in laid_out:
            laid_out[code] = lay_out(code, **style)
        return laid_out[code]

    with pytest.MonkeyPatch.context() as patch:
        # For its log, its dump and each checkpoint. Versions differ in where they take
        # it from.
        patch.setattr(yapf_api, 'FormatCode', format_code)
        patch.setattr(config_module, 'FormatCode', format_code, raising=False)
        # For each `mmdet::` it reads a hundred files of MMDetection, and asks what is
        # installed.
        patch.setattr(config_utils, 'load', cache(config_utils.load))
        patch.setattr(config_module, 'is_installed', cache(config_module.is_installed))
        yield


@pytest.fixture
def other_library() -> Iterator[Registry]:
    """The registry of models of another library, whose scope is 'other'."""
    yield Registry('model', parent=MODELS, scope='other')
    del MODELS.children['other']


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder of reference values and real data beside the repository."""
    if not _SHARED.is_dir():
        pytest.skip(f'reference values and data are not at {_SHARED}')
    return _SHARED


@pytest.fixture
def golden(shared: Path) -> Callable[[str], dict[str, torch.Tensor]]:
    """Read a file of golden numbers as tensors."""

    def read(name: str) -> dict[str, torch.Tensor]:
        with np.load(shared / 'reference' / name) as values:
            return {key: torch.from_numpy(values[key]) for key in values.files}

    return read
