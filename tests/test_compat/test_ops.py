import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmcv.ops import RoIAlign, roi_pool
from mmcv.utils.ext_loader import check_ops_exist

import mmreviewkd
from mmreviewkd.compat import ops


def test_other_operator_is_named(standin):
    with pytest.raises(NotImplementedError, match='roi_pool_.*install "mmcv>=2.1.0'):
        roi_pool(torch.ones(1, 2, 8, 8), torch.tensor([[0.0, 1, 1, 6, 6]]), 2)


def test_max_pooling_is_named(standin):
    align = RoIAlign((7, 7), pool_mode='max')
    with pytest.raises(NotImplementedError, match="pool_mode='max'"):
        align(torch.ones(1, 2, 8, 8), torch.tensor([[0.0, 1.0, 1.0, 6.0, 6.0]]))


def test_module_is_a_proper_one(standin):
    assert standin.__spec__.name == 'mmcv._ext'
    assert not hasattr(standin, '__path__')
    assert check_ops_exist()


def test_compiled_module_wins(monkeypatch, tmp_path):
    import mmcv

    (tmp_path / '_ext.py').write_text("nms = 'compiled'\n")
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    import mmcv._ext as ext

    assert ext.nms == 'compiled'


def test_install_is_idempotent():
    before = list(sys.meta_path)
    ops.install()
    assert sys.meta_path == before


def test_installing_imports_nothing_heavy():
    """In a process of its own, without what mmreviewkd itself imports."""
    script = """
import json, sys, types
package = types.ModuleType('mmreviewkd')
package.__path__ = [sys.argv[1]]
sys.modules['mmreviewkd'] = package
from mmreviewkd.compat import ops
ops.install()
print(json.dumps([name.split('.')[0] for name in sys.modules]))
"""
    folder = Path(mmreviewkd.__file__).parent
    done = subprocess.run(
        [sys.executable, '-c', script, folder],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(json.loads(done.stdout))
    assert 'mmreviewkd' in imported
    assert not imported & {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet'}
