"""What MMEngine's logs tell of a training."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from mmreviewkd.config_file import read_written_config
from mmreviewkd.launch import VERSIONS

Point = dict[str, float]


@dataclass(frozen=True)
class RunLog:
    """One training, with all its interruptions.

    Args:
        name (str): What tells it from the others: its folder, as far as that differs.
        folder (Path): Its work directory.
        training (list[dict]): Scalars of the training steps, by name; ``step`` is the
            iteration.
        evaluation (list[dict]): Metrics of the evaluations; ``step`` is the epoch
            or, where the training counts no epochs, the iteration.
        config (dict): Its whole config.
        versions (dict[str, str]): Versions of packages and device, by name.
    """

    name: str
    folder: Path
    training: list[Point]
    evaluation: list[Point]
    config: dict
    versions: dict[str, str]

    @property
    def evaluated_at(self) -> str:
        """str: What ``step`` counts in the evaluations."""
        return 'epoch' if any('epoch' in p for p in self.training) else 'iteration'


def read_runs(folders: Sequence[str | Path]) -> list[RunLog]:
    """Read the logs of all trainings in some folders.

    Args:
        folders (Sequence[str | Path]): Work directories, or folders that hold some.

    Returns:
        list[RunLog]: The trainings, by the folder that they lie in and, within it, by
        the time at which they were begun.

    Raises:
        FileNotFoundError: If a folder holds no training.
    """
    sessions: dict[Path, list[Path]] = {}
    for folder in folders:
        found = sorted(Path(folder).resolve().rglob('vis_data/scalars.json'))
        if not found:
            raise FileNotFoundError(
                f'{folder} holds no log of a training (*/vis_data/scalars.json, which '
                "MMEngine's LocalVisBackend writes); give it the work directory of one"
            )
        for path in found:
            of_run = sessions.setdefault(path.parents[2], [])
            if path.parents[1] not in of_run:
                of_run.append(path.parents[1])
    common = os.path.commonpath([folder.parent for folder in sessions])
    return [
        _read_run(str(folder.relative_to(common)), folder, sorted(of_run))
        for folder, of_run in sorted(
            sessions.items(), key=lambda item: (item[0].parent, min(item[1]).name)
        )
    ]


def _read_run(name: str, folder: Path, sessions: list[Path]) -> RunLog:
    """Read a run from its sessions, which lie in folders with their time as name."""
    training: list[Point] = []
    evaluation: list[Point] = []
    for session in sessions:
        points = _read_points(session / 'vis_data' / 'scalars.json')
        for kept, new in (
            (training, [p for p in points if 'iter' in p]),
            (evaluation, [p for p in points if 'iter' not in p]),
        ):
            # What was lost in an interruption was done again.
            first = min((p['step'] for p in new), default=float('inf'))
            kept[:] = [p for p in kept if p['step'] < first] + new
    last = sessions[-1]
    config = read_written_config(
        last / 'vis_data' / 'config.py', import_custom_modules=False
    )
    log = last / f'{last.name}.log'
    return RunLog(
        name, folder, training, evaluation, config.to_dict(), _read_versions(log)
    )


def _read_points(path: Path) -> list[Point]:
    lines = path.read_text(encoding='utf-8').split('\n')
    # What follows the last line break is nothing, or not written to its end yet.
    return [json.loads(line) for line in lines[:-1]]


def _read_versions(log: Path) -> dict[str, str]:
    """Read what MMEngine says of the environment, and ``log_versions``."""
    if not log.is_file():
        return {}
    lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
    versions = {}
    for line in takewhile(lambda line: 'Config:' not in line, lines):
        found = re.fullmatch(
            r' *(Python|PyTorch|TorchVision|MMEngine|GPU [\d,]+): (.*)', line
        )
        if found:
            versions[found[1]] = found[2]
    for line in lines:
        if VERSIONS in line:
            pairs = line.partition(VERSIONS)[2].split(', ')
            versions |= dict(pair.split(' ') for pair in pairs)
    return versions
