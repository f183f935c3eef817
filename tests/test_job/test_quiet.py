import sys
import warnings

from mmreviewkd.job.quiet import quiet


def test_nothing_is_written(capfd):
    with quiet():
        print('out')
        print('err', file=sys.stderr)
        warnings.warn('beware', stacklevel=1)
    print('after')
    assert capfd.readouterr() == ('after\n', '')
