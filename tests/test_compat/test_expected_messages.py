import io
import logging
import warnings
from pathlib import Path

import pytest
from mmengine.logging import MMLogger

from mmreviewkd.compat.expected_messages import (
    HIDDEN,
    REWORDED,
    UNLOGGED,
    hide_package_warnings,
)


@pytest.fixture
def said():
    """What MMEngine's logger says, by severity."""
    stream = io.StringIO()
    logger = MMLogger(f'test_{id(stream)}')
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
    logger.handlers = [handler]

    def say(level, text):
        logger.log(level, text)
        return stream.getvalue()

    return say


def test_nothing_detected_is_no_error(said):
    (text,) = REWORDED
    line = said(logging.ERROR, text)
    assert line.startswith('INFO nothing was detected') and 'error' not in line


def test_mmdetection_still_says_it_so():
    from mmdet.evaluation.metrics import coco_metric

    with open(coco_metric.__file__) as file:
        source = file.read()
    assert all(text in source for text in REWORDED)


def test_mmengines_advice_to_itself_is_left_out(said):
    for text in UNLOGGED:
        assert said(logging.WARNING, f'{text} in future') == ''


def test_mmengine_still_says_it_so():
    from mmengine.fileio import file_client

    folder = Path(file_client.__file__).parent
    source = ''.join(path.read_text() for path in folder.rglob('*.py'))
    assert all(text in source for text in UNLOGGED)


def test_other_errors_stay(said):
    assert said(logging.ERROR, 'disk full') == 'ERROR disk full\n'


def test_only_the_expected_warnings_are_hidden():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        hide_package_warnings()
        for text in (*HIDDEN, 'look here'):
            warnings.warn(f'{text} as an API', UserWarning, stacklevel=1)
    assert [str(one.message) for one in seen] == ['look here as an API']
