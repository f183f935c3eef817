import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from new_style import write_new_style

from mmreviewkd.job import JobError
from mmreviewkd.job.config_files import beside, find_pair, read_config


@pytest.mark.parametrize(
    'name, path',
    [
        ('reviewkd_frcnn_r101_r18', 'configs/reviewkd_frcnn_r101_r18.py'),
        ('reviewkd_frcnn_r101_r18.py', 'configs/reviewkd_frcnn_r101_r18.py'),
        ('reviewkd_fcos_r101_r50', 'configs/pairs/reviewkd_fcos_r101_r50.py'),
        ('reviewkd_mrcnn', 'configs/small/reviewkd_mrcnn.py'),
    ],
)
def test_published_pairs(name, path):
    assert find_pair(name).endswith(path)


def test_own_pair(tmp_path, monkeypatch):
    (tmp_path / 'mine.py').write_text('')
    monkeypatch.chdir(tmp_path)
    assert find_pair('mine.py') == 'mine.py'
    assert find_pair('mmreviewkd::small/reviewkd_frcnn.py').startswith('mmreviewkd::')


def test_misspelt_pair():
    with pytest.raises(JobError, match='no pair reviewkd_frcnn_r101_r81') as error:
        find_pair('reviewkd_frcnn_r101_r81')
    assert 'reviewkd_frcnn_r101_r18' in str(error.value)


@pytest.mark.parametrize(
    'text, message',
    [
        (None, r'--student: there is no config file .*own\.py'),
        ('model = dict(', 'SyntaxError'),
        ("custom_imports = dict(imports='no_such_module')", 'no_such_module'),
        ("_base_ = './none.py'", 'none.py'),
    ],
)
def test_wrong_files(tmp_path, text, message):
    path = tmp_path / 'own.py'
    if text is not None:
        path.write_text(text)
    with pytest.raises(JobError, match=message):
        read_config(str(path), '--student')


def test_new_style_has_names(tmp_path):
    """And else is as the same config in the old style."""
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    path = write_new_style(cfg, tmp_path)
    assert not isinstance(Config.fromfile(path).val_evaluator.type, str)
    named = read_config(str(path), '--student')
    assert named.to_dict() == cfg.to_dict()


def test_new_style_has_paths_of_what_has_no_name(tmp_path):
    """A run's config is written to a file, and read again."""
    path = tmp_path / 'own.py'
    path.write_text(
        'from mmengine.hooks import Hook\ncustom_hooks = [dict(type=Hook)]\n'
        'from collections import OrderedDict\nmodel = dict(type=OrderedDict)\n'
    )
    named = read_config(str(path), '--student')
    assert named.model.type == 'collections.OrderedDict'
    assert set(named) == {'custom_hooks', 'model'}


def test_new_style_without_a_scope(tmp_path):
    """It needs none, but its names do: they get that of this project's configs."""
    cfg = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    cfg.default_scope = None
    named = read_config(str(write_new_style(cfg, tmp_path)), '--student')
    assert named.model.type == 'MaskRCNN' and 'default_scope' not in named


def test_unknown_name_in_a_package():
    with pytest.raises(JobError, match='--teacher: mmdet::none.py cannot be read'):
        read_config('mmdet::none.py', '--teacher')
    # The folder has a config of nearly this name.
    with pytest.raises(JobError, match='there is no such config; near it') as error:
        read_config('mmdet::rtmdet/rtmdet_tiny.py', '--teacher')
    assert 'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py' in str(error.value)


def test_files_that_a_config_names(tmp_path, monkeypatch):
    folder = tmp_path / 'configs'
    folder.mkdir()
    pair = str(folder / 'pair.py')
    for path in (folder / 'a.py', tmp_path / 'a.py', tmp_path / 'b.py'):
        path.write_text('')
    monkeypatch.chdir(tmp_path)
    # Beside the config first, then in the current folder.
    assert beside('a.py', pair, 'model.student') == str(folder / 'a.py')
    assert beside('b.py', pair, 'model.student') == str(tmp_path / 'b.py')
    assert beside('mmdet::c.py', pair, 'model.student') == 'mmdet::c.py'
    with pytest.raises(JobError, match='model.student names d.py'):
        beside('d.py', pair, 'model.student')
