from pathlib import Path

import pytest


@pytest.fixture
def configs():
    """The folder of the job's configs."""
    return Path(__file__).resolve().parents[2] / 'configs' / 'small'
