import sys

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmreviewkd.config_file import read_config, read_written_config
from mmreviewkd.errors import UsageError

CONFIG = """
data_root = 'data/'
train_dataloader = dict(batch_size=2, dataset=dict(data_root=data_root))
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture
def said(monkeypatch):
    """What the log gets, at which level."""
    lines = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'log', lambda level, text: lines.append((level, text)))
    return lines


def test_fields_are_changed(config, said):
    options = ['train_dataloader.batch_size=4', 'sync_bn=torch', 'resume=True']
    cfg = read_config(config, options)
    assert cfg.train_dataloader.batch_size == 4
    assert cfg.sync_bn == 'torch' and cfg.resume is True
    assert not said


def test_misspelt_fields_are_refused(config):
    with pytest.raises(UsageError, match='the field lod_from; near it are load_from'):
        read_config(config, ['lod_from=x.pth'])
    with pytest.raises(UsageError, match='no config has the field seed$'):
        read_config(config, ['seed=1'])


def test_variables_are_told_of(config, said):
    """What was made from one keeps its value."""
    cfg = read_config(config, ['data_root=other/'])
    assert cfg.train_dataloader.dataset.data_root == 'data/'
    ((_, text),) = said
    assert 'data_root is a variable of the config' in text


def test_modules_of_an_option_are_imported(config, tmp_path, monkeypatch):
    (tmp_path / 'module_of_an_option.py').touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'module_of_an_option', raising=False)
    read_config(config, ['custom_imports.imports=[module_of_an_option]'])
    assert 'module_of_an_option' in sys.modules


def test_written_configs_are_read_as_they_are(tmp_path):
    cfg = Config(dict(a='{{x}} and {{$HOME:y}}', b=[(1, 2), None]))
    path = tmp_path / 'written.py'
    path.write_text(cfg.pretty_text)
    assert read_written_config(path).to_dict() == cfg.to_dict()
    path.write_text(Config(dict(a=float('inf'))).pretty_text)
    with pytest.raises(UsageError, match=r'written\.py cannot be read .*inf'):
        read_written_config(path)
