"""Files that are whole or not there, checkpoints that are not, and the configs."""

import json
import logging
import os
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

ATOMIC = 'atomic'
"""Name of :class:`AtomicBackend` in MMEngine's configs."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, so that no reader and no crash sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{path.name}-', dir=path.parent)
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is the user's alone; the result is as others are.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file in one step."""
    write_text(path, json.dumps(content, indent=2) + '\n')


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


register_backend(ATOMIC, AtomicBackend, force=True)


def last_whole_checkpoint(folder: str | Path) -> Path | None:
    """Find the checkpoint to go on from.

    Checkpoints that are cut off or damaged are passed over, with a warning.

    Args:
        folder (str | Path): A run's folder, with ``epoch_*.pth`` or ``iter_*.pth``.

    Returns:
        Path | None: The newest whole one; None where there is none.
    """
    found = []
    for path in Path(folder).glob('*.pth'):
        match = re.fullmatch(r'(epoch|iter)_(\d+)\.pth', path.name)
        if match:
            found.append((path.stat().st_mtime_ns, match[1], int(match[2]), path))
    if not found:
        return None
    # Times may be those of a copy, so they only tell by what is counted.
    _, unit, _, _ = max(found)
    for _, _, path in sorted((n, t, p) for t, u, n, p in found if u == unit)[::-1]:
        if _is_whole(path):
            return path
        print_log(
            f'{path} is cut off or damaged; looking for an older checkpoint',
            logger='current',
            level=logging.WARNING,
        )
    return None


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError):
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
