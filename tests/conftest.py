from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

import mmreviewkd  # noqa: F401  it has to come before mmcv.ops

# Several test runs may share a machine, and the models here are tiny.
torch.set_num_threads(1)

_SHARED = Path(__file__).resolve().parents[2] / 'shared'


@pytest.fixture(autouse=True)
def _no_scope_left() -> Iterator[None]:
    """Each Runner sets its scope for good, where later tests would look up names."""
    yield
    DefaultScope._instance_dict.clear()


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
