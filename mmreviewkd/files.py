"""Files that are whole or not there, checkpoints that are not, and the configs."""

import io
import json
import logging
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.fileio import BaseStorageBackend, LocalBackend, register_backend
from mmengine.logging import print_log

ATOMIC = 'atomic'
"""Name of :class:`AtomicBackend` in MMEngine's configs."""
_UNFINISHED = '.unfinished'


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, so that no reader and no crash sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}-{secrets.token_hex(4)}{_UNFINISHED}')
    # Not by `tempfile`, whose files are the user's alone, while a change of the umask
    # would reach the other threads.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and not error.filename:
            # A full disk's error does not say by itself what it is about.
            error.filename = str(path)
        raise


def clear_unfinished(folder: Path) -> list[Path]:
    """Remove what :func:`write_bytes` leaves where its process is killed.

    Args:
        folder (Path): A folder to which no other process writes.

    Returns:
        list[Path]: The files that are gone.
    """
    found = sorted(folder.glob(f'.*{_UNFINISHED}'))
    for path in found:
        path.unlink()
    return found


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file in one step."""
    write_text(path, json.dumps(content, indent=2) + '\n')


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a PyTorch file in one step."""
    # Tools that only read and write JSON need not wait for it.
    import torch

    file = io.BytesIO()
    torch.save(content, file)
    write_bytes(path, file.getvalue())


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding='utf-8'))


class AtomicBackend(LocalBackend):
    """MMEngine's local file backend, which writes files in one step.

    A process that is killed while it writes a checkpoint leaves the former one in
    place. Known to MMEngine as ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file; folders are made where missing."""
        write_bytes(Path(filepath), obj)

    def join_path(self, filepath: str | Path, *filepaths: str | Path) -> str:
        """Join parts of a path.

        Raises:
            ValueError: If it is an address, for which MMEngine has other backends.
        """
        if '://' in str(filepath):
            raise ValueError(
                f'{filepath} is no local path, but the backend {ATOMIC!r} writes local '
                'files only; take it out for checkpoints: '
                'default_hooks.checkpoint.backend_args=None'
            )
        return super().join_path(filepath, *filepaths)


register_backend(ATOMIC, AtomicBackend, force=True)


DEFAULT_NAMES = ('epoch_{}.pth', 'iter_{}.pth')
"""Templates of the names that MMEngine gives to checkpoints."""


def newest_first(
    times: Mapping[str, int], templates: Sequence[str] = DEFAULT_NAMES
) -> list[str]:
    """Sort the names of checkpoints by age, and leave out other names.

    Times may be those of copies, so within a template the number decides; times only
    tell which template was written to last.

    Args:
        times (Mapping[str, int]): Names, with the times of the last change.
        templates (Sequence[str]): Templates of names, with ``{}`` for the number.
    """
    groups = []
    for template in templates:
        # As `str.format` fills it in: '{}', '{0}', '{:03d}'.
        parts = re.split(r'\{[^{}]*\}', template)
        pattern = r'(\d+)'.join(map(re.escape, parts))
        matches = [re.fullmatch(pattern, name) for name in times]
        numbers = [(int(match[1]), match[0]) for match in matches if match]
        names = [name for _, name in sorted(numbers, reverse=True)]
        if names:
            groups.append((max(times[name] for name in names), names))
    groups.sort(key=lambda group: group[0], reverse=True)
    return [name for _, names in groups for name in names]


def last_whole_checkpoint(folder: str | Path) -> Path | None:
    """Find the newest checkpoint in a folder.

    Checkpoints that are cut off or damaged are passed over, with a warning.

    Args:
        folder (str | Path): A folder with ``epoch_*.pth`` or ``iter_*.pth``.

    Returns:
        Path, optional: The newest whole one; None if there is none.

    Raises:
        OSError: If one is there that cannot be read.
    """
    times = {path.name: path.stat().st_mtime_ns for path in Path(folder).glob('*.pth')}
    for name in newest_first(times):
        path = Path(folder) / name
        if is_whole(LocalBackend(), path):
            return path
        print_log(
            f'{path} is cut off or damaged; looking for an older checkpoint',
            logger='current',
            level=logging.WARNING,
        )
    return None


def is_whole(backend: BaseStorageBackend, path: str | Path) -> bool:
    """Tell whether each byte of a checkpoint is as it was written.

    Args:
        backend (BaseStorageBackend): MMEngine's storage backend of the file.
        path (str | Path): Its path or address.

    Raises:
        OSError: If it cannot be read.
    """
    local = isinstance(backend, LocalBackend)
    # Opened here, since zipfile's own errors say the same of all that goes wrong.
    with open(path, 'rb') if local else io.BytesIO(backend.get(path)) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return archive.testzip() is None
        except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error):
            return False


def configs_folder() -> Path:
    """Find this project's configs: in the installed package, or beside its source.

    Raises:
        FileNotFoundError: If they are in neither place.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / '.mim' / 'configs', package.parent / 'configs'):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f'the configs of mmreviewkd are neither in {package} nor beside it; install '
        'it again'
    )
