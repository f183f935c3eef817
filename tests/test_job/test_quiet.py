import sys
import warnings

import pytest
from mmengine.logging import MMLogger

from mmreviewkd.job.quiet import quiet


def test_quiet(capfd):
    logger = MMLogger.get_current_instance()
    level = logger.level
    with pytest.raises(ValueError), quiet():
        print('printed')
        print('printed', file=sys.stderr)
        warnings.warn('warned', stacklevel=1)
        logger.info('Loads checkpoint by local backend from path: a.pth')
        raise ValueError
    assert capfd.readouterr() == ('', '')
    assert logger.level == level
