import json
from types import SimpleNamespace

import pytest
from mmengine import dist
from mmengine.hooks import LoggerHook

from mmreviewkd.compat import metrics_log


@pytest.mark.parametrize('rank', [0, 1])
def test_only_the_first_process_writes(tmp_path, monkeypatch, rank):
    monkeypatch.setattr(dist.utils, 'get_rank', lambda group=None: rank)
    hook = LoggerHook()
    hook.json_log_path = 'metrics.json'
    runner = SimpleNamespace(
        log_dir=str(tmp_path),
        test_dataloader=[],
        logger=SimpleNamespace(info=lambda text: None),
        log_processor=SimpleNamespace(
            get_log_after_epoch=lambda *_, **__: ({'ap': 0.5, 'time': rank}, '')
        ),
    )
    hook.after_test_epoch(runner)
    path = tmp_path / 'metrics.json'
    assert path.is_file() == (rank == 0)
    if rank == 0:
        assert json.loads(path.read_text()) == {'ap': 0.5, 'time': 0}


def test_install_is_idempotent():
    before = LoggerHook.after_test_epoch
    metrics_log.install()
    assert LoggerHook.after_test_epoch is before
