import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

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
