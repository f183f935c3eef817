"""Configs by name, in a process of a folder that knows nothing of the source."""

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hub import get_config

from mmreviewkd.compat import configs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    'name',
    ['reviewkd_frcnn_r101_r18.py', 'methods/review.py', 'small/frcnn_teacher.py'],
)
def test_file(name):
    assert Path(configs.config_file(f'mmreviewkd::{name}')).samefile(
        ROOT / 'configs' / name
    )


def test_missing_config_is_told_with_those_beside_it():
    with pytest.raises(FileNotFoundError, match='methods/revue.py.*methods/review.py'):
        configs.config_file('mmreviewkd::methods/revue.py')


def test_missing_config_in_a_missing_folder():
    with pytest.raises(FileNotFoundError, match='reviewkd_frcnn_r101_r18.py'):
        configs.config_file('mmreviewkd::method/review.py')


def test_name_without_a_folder(tmp_path):
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'mmreviewkd::reviewkd_frcnn_r101_r18.py'\n"
        'model = dict(distillation=dict(loss_weight=7.0))\n'
    )
    cfg = Config.fromfile(tmp_path / 'mine.py')
    assert cfg.model.distillation.loss_weight == 7.0
    assert cfg.model.type == 'DistilledModel'


def test_pretrained_is_refused():
    with pytest.raises(ValueError, match='no trained weights'):
        configs.hub.get_config('mmreviewkd::methods/review.py', pretrained=True)


def test_other_packages_keep_their_way():
    cfg = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py')
    assert cfg.model.type == 'FasterRCNN'


def test_editable_install(tmp_path):
    """MMEngine looks in site-packages there, whose metadata names this package."""
    info = tmp_path / 'site' / 'mmreviewkd-0.1.0.dist-info'
    info.mkdir(parents=True)
    (info / 'METADATA').write_text('Name: mmreviewkd\nVersion: 0.1.0\n')
    (info / 'top_level.txt').write_text('mmreviewkd\n')
    script = (
        f'import sys; sys.path.append({str(ROOT)!r})\n'
        'import mmreviewkd\n'
        'from mmengine.config import Config\n'
        'from mmengine.hub import get_config\n'
        "print(get_config('mmreviewkd::small/reviewkd_mrcnn.py').model.type)\n"
        "print(Config.fromfile('mine.py').method.type)\n"
    )
    (tmp_path / 'mine.py').write_text("_base_ = 'mmreviewkd::methods/review.py'\n")
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', script],
        cwd=tmp_path,
        env=dict(PATH='/usr/bin:/bin', PYTHONPATH=str(tmp_path / 'site')),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'DistilledModel' in done.stdout
