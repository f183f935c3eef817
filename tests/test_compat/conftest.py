import sys

import pytest

from mmreviewkd.compat import ops


@pytest.fixture
def standin():
    """The stand-in for ``mmcv._ext``; skips where that is compiled."""
    import mmcv.ops  # noqa: F401

    module = sys.modules['mmcv._ext']
    if module.__spec__.origin != ops.__name__:
        pytest.skip('this environment has the compiled mmcv')
    return module
