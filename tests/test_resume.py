"""Where a run writes its checkpoints, ``--resume`` finds them."""

import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import BaseStorageBackend, register_backend

from mmreviewkd import resume
from mmreviewkd.resume import find_checkpoint

# Stands for an object store, whose addresses are no paths.
STORE = {}


class Store(BaseStorageBackend):
    """A folder under an address."""

    def _path(self, address):
        return Path(STORE['folder']) / str(address).removeprefix('store://')

    def get(self, filepath):
        return self._path(filepath).read_bytes()

    def isfile(self, filepath):
        return self._path(filepath).is_file()

    def join_path(self, filepath, *filepaths):
        return '/'.join([str(filepath).rstrip('/'), *filepaths])

    def get_text(self, filepath):
        return self.get(filepath).decode()

    def list_dir_or_file(self, dir_path, list_dir):
        return iter(os.listdir(self._path(dir_path)))


register_backend('store', Store, prefixes='store', force=True)


def save(path, number=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(number=number), path)
    return str(path)


def cut(path):
    os.truncate(path, 10)


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(resume, 'print_log', lambda text, **_: lines.append(text))
    return lines


@pytest.fixture
def config(tmp_path):
    def make(**checkpoint):
        hook = dict(type='CheckpointHook', backend_args=dict(backend='atomic'))
        return Config(
            dict(
                work_dir=str(tmp_path / 'run'),
                default_hooks=dict(checkpoint=dict(hook, **checkpoint)),
            )
        )

    return make


def point(tmp_path, path):
    (tmp_path / 'run').mkdir(exist_ok=True)
    (tmp_path / 'run/last_checkpoint').write_text(str(path))


def test_nothing_there_is_said(config, said, tmp_path):
    assert find_checkpoint(config()) is None
    assert 'no checkpoint (epoch_*.pth, iter_*.pth)' in said[0]
    assert str(tmp_path / 'run') in said[0] and 'from the beginning' in said[0]


def test_last_checkpoint_names_it(config, said, tmp_path):
    """Not the highest number, which may be that of an older run."""
    save(tmp_path / 'run/epoch_12.pth')
    path = save(tmp_path / 'run/epoch_2.pth')
    point(tmp_path, path)
    assert find_checkpoint(config()) == path
    assert said == [f'resuming from {path}']


def test_checkpoints_elsewhere(config, tmp_path):
    path = save(tmp_path / 'elsewhere/run/epoch_3.pth')
    cfg = config(out_dir=str(tmp_path / 'elsewhere'))
    assert find_checkpoint(cfg) == path
    point(tmp_path, path)
    assert find_checkpoint(cfg) == path


@pytest.mark.parametrize('template', ['model_{}.pth', 'model_{:04d}.pth', 'm{0}.ckpt'])
def test_checkpoints_by_another_name(config, tmp_path, template):
    for number in (9, 10):
        path = save(tmp_path / 'run' / template.format(number))
    save(tmp_path / 'run/best_model_11.pth')
    assert find_checkpoint(config(filename_tmpl=template)) == path


def test_checkpoints_in_a_store(config, tmp_path, monkeypatch, said):
    monkeypatch.setitem(STORE, 'folder', tmp_path / 'store')
    save(tmp_path / 'store/bucket/run/epoch_1.pth')
    cut(save(tmp_path / 'store/bucket/run/epoch_2.pth'))
    cfg = config(out_dir='store://bucket', backend_args=None)
    assert find_checkpoint(cfg) == 'store://bucket/run/epoch_1.pth'
    assert 'store://bucket/run/epoch_2.pth is cut off or damaged' in said[0]


def test_atomic_files_in_a_store(config):
    with pytest.raises(ValueError, match='checkpoint.backend_args=None'):
        find_checkpoint(config(out_dir='s3://bucket'))


def test_a_copied_work_dir_goes_on_by_itself(config, tmp_path):
    """Not with the checkpoints of the run that it was copied from."""
    point(tmp_path, save(tmp_path / 'original/epoch_5.pth'))
    own = save(tmp_path / 'run/epoch_5.pth')
    assert find_checkpoint(config()) == own


def test_a_place_that_only_last_checkpoint_knows(config, tmp_path):
    path = save(tmp_path / 'formerly/epoch_5.pth')
    point(tmp_path, path)
    assert find_checkpoint(config()) == path


def test_damaged_ones_are_passed_over(config, tmp_path, said):
    whole = save(tmp_path / 'run/epoch_1.pth')
    broken = save(tmp_path / 'run/epoch_2.pth')
    cut(broken)
    point(tmp_path, broken)
    assert find_checkpoint(config()) == whole
    assert said == [
        f'{broken} is cut off or damaged; looking for an older checkpoint',
        f'resuming from {whole}',
    ]


def test_nothing_usable_is_an_error(config, tmp_path, said):
    """Training from the beginning would write over what may be repaired."""
    broken = save(tmp_path / 'run/epoch_2.pth')
    cut(broken)
    with pytest.raises(ValueError, match='move them away to start anew') as error:
        find_checkpoint(config())
    assert broken in str(error.value)


def test_what_is_gone_is_an_error(config, tmp_path):
    point(tmp_path, tmp_path / 'gone/epoch_2.pth')
    with pytest.raises(ValueError, match='gone/epoch_2.pth, which is missing'):
        find_checkpoint(config())


def test_no_permission_is_an_error(config, tmp_path, monkeypatch):
    """Not a reason to go on from an older one, and to write over this one."""
    save(tmp_path / 'run/epoch_1.pth')
    secret = save(tmp_path / 'run/epoch_2.pth')

    def refuse(path, *args):
        if path == secret:
            raise PermissionError(13, 'Permission denied', path)
        return open(path, *args)

    monkeypatch.setattr('mmreviewkd.files.open', refuse, raising=False)
    with pytest.raises(PermissionError, match='epoch_2'):
        find_checkpoint(config())


def test_without_a_hook_for_checkpoints(config, tmp_path):
    cfg = config()
    cfg.default_hooks.checkpoint = None
    path = save(tmp_path / 'run/iter_7.pth')
    assert find_checkpoint(cfg) == path
    cfg.pop('default_hooks')
    assert find_checkpoint(cfg) == path
