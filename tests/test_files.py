import os
import signal
import stat

import pytest
import torch
from mmengine.fileio import get_file_backend

from mmreviewkd import files


def save(path, content=1):
    torch.save(dict(content=content), path)
    return path


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(files, 'print_log', lambda text, **_: said.append(text))
    return said


def test_killed_while_writing_the_former_file_stays(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    backend = get_file_backend(str(path), backend_args=dict(backend='atomic'))
    backend.put(b'former', path)
    child = os.fork()
    if child == 0:  # A process that dies between writing and renaming.
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        backend.put(b'new' * 100, path)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert path.read_bytes() == b'former'


def test_atomic_files_are_as_others(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=dict(backend='atomic'))
    backend.put(b'content', tmp_path / 'folder' / 'new')
    (tmp_path / 'plain').touch()
    written = tmp_path / 'folder' / 'new'
    assert written.read_bytes() == b'content'
    assert [path.name for path in written.parent.iterdir()] == ['new']
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (written, tmp_path / 'plain')
    ]
    assert modes[0] == modes[1]


def test_writing_leaves_the_umask_to_other_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'umask', lambda _: pytest.fail('umask is changed'))
    files.write_bytes(tmp_path / 'file', b'content')


def test_what_a_kill_leaves_can_be_cleared(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'replace', lambda *_: os._exit(0))
    child = os.fork()
    if child == 0:
        files.write_bytes(tmp_path / 'epoch_1.pth', b'content')
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    save(tmp_path / 'epoch_2.pth')
    assert files.clear_unfinished(tmp_path) == [left]
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_2.pth']


def test_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        files.write_bytes(tmp_path / 'file', b'content')
    assert not list(tmp_path.iterdir())


def test_newest_by_number_not_by_time(tmp_path):
    for number in (10, 9, 2):  # As copied in another order.
        save(tmp_path / f'epoch_{number}.pth')
    save(tmp_path / 'best_coco_bbox_mAP_epoch_11.pth')
    save(tmp_path / 'teacher.pth')
    assert files.last_whole_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'


def test_iterations_and_epochs_are_told_apart(tmp_path):
    old = save(tmp_path / 'iter_500.pth')
    os.utime(old, (1, 1))
    new = save(tmp_path / 'epoch_2.pth')
    assert files.last_whole_checkpoint(tmp_path) == new


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'empty'])
def test_damaged_checkpoints_are_passed_over(tmp_path, warnings, damage):
    whole = save(tmp_path / 'epoch_1.pth')
    broken = save(tmp_path / 'epoch_2.pth', torch.arange(1000))
    content = bytearray(broken.read_bytes())
    if damage == 'flipped':
        # Within the numbers of the tensor.
        content[content.index(torch.arange(400, 402).numpy().tobytes())] ^= 1
    else:
        del content[dict(cut=len(content) // 2, empty=0)[damage] :]
    broken.write_bytes(content)
    assert files.last_whole_checkpoint(tmp_path) == whole
    assert len(warnings) == 1 and 'epoch_2.pth is cut off or damaged' in warnings[0]


def test_older_ones_of_another_name_come_last(tmp_path, warnings):
    whole = save(tmp_path / 'epoch_1.pth')
    os.utime(whole, (1, 1))
    (tmp_path / 'iter_9.pth').touch()
    assert files.last_whole_checkpoint(tmp_path) == whole


def test_nothing_to_go_on_from(tmp_path):
    assert files.last_whole_checkpoint(tmp_path) is None
    assert files.last_whole_checkpoint(tmp_path / 'nowhere') is None
