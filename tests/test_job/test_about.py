from types import SimpleNamespace

import pytest

from mmreviewkd.compat.versions import in_use
from mmreviewkd.job.about import about_job
from mmreviewkd.version import __version__


@pytest.fixture
def runs():
    def run(name, epochs):
        cfg = SimpleNamespace(train_cfg=dict(max_epochs=epochs))
        return SimpleNamespace(name=name, config=cfg)

    return [run('teacher', 12), run('student', 8), run('review', 8)]


def test_about(boxes, runs, monkeypatch):
    argv = ['/usr/bin/mmreviewkd-compare', '/home/me/sets/my data', 'a=/home/me/x.pth']
    monkeypatch.setattr('sys.argv', [*argv, '--seeds', '0', '1'])
    about = about_job(runs, boxes, 'CPU (2 threads)')
    # No folders of one's own.
    assert about['command'] == "mmreviewkd-compare 'my data' a=x.pth --seeds 0 1"
    assert about['device'] == 'CPU (2 threads)'
    assert about['data'] == dict(
        name='boxes', images=[2, 2], instances=[4, 4], classes=['cat', 'dog']
    )
    assert about['epochs'] == dict(teacher=12, student=8)
    assert about['versions'] == dict(mmreviewkd=__version__) | in_use()
