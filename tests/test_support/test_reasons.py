import sys
from urllib.error import URLError

import pytest

from mmreviewkd.support.jobs import stock_configs
from mmreviewkd.support.reasons import explain


@pytest.mark.parametrize(
    'error, expected',
    [
        (
            ModuleNotFoundError("No module named 'timm.layers'"),
            ('missing package', 'needs the package timm, which is not installed'),
        ),
        (
            RuntimeError('transformers is not installed, please install it by: ...'),
            ('missing package', 'needs the package transformers, which is not in'),
        ),
        (
            NotImplementedError("mmcv's operator RoIPool needs the compiled mmcv"),
            ('missing operator', "needs mmcv's operator RoIPool, of the compiled"),
        ),
        (URLError('no route'), ('needs a network', 'needs files that it downloads')),
        (KeyError('neck'), ('error', "KeyError: 'neck'")),
    ],
)
def test_explain(error, expected):
    cause, reason = explain(error)
    assert cause == expected[0]
    assert reason.startswith(expected[1])


def test_cause_of_the_cause():
    try:
        try:
            raise URLError('no route')
        except URLError as error:
            raise RuntimeError('the weights could not be read') from error
    except RuntimeError as error:
        assert explain(error)[0] == 'needs a network'


def test_one_line_without_this_machines_folders():
    error = ValueError(f'no such\n  file: {sys.prefix}/a.py, {stock_configs()}/b/c.py')
    assert explain(error)[1] == 'ValueError: no such file: a.py, b/c.py'
    assert len(explain(ValueError('long ' * 1000))[1]) < 500


def test_place_of_an_error_without_a_message():
    try:
        raise AssertionError
    except AssertionError as error:
        reason = explain(error)[1]
    assert reason == 'AssertionError: raise AssertionError (test_reasons.py)'
