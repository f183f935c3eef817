"""Configs that hold nothing of the machine that they were made on."""

import re
from pathlib import PurePath
from typing import Any

from mmengine.config import Config

from mmreviewkd.config_file import RUN_FIELDS
from mmreviewkd.datasets.class_names import parts

_OF_A_RUN = {
    'experiment_name',
    'launcher',
    'load_from',
    'randomness',
    'resume',
    'work_dir',
}
_FOREIGN = re.compile(r'(/|~|\.\./|[A-Za-z]:[\\/])')


def portable(cfg: Config) -> Config:
    """Copy a run's config without what is of this run and this machine alone.

    Variables that no one reads are left out, as are the fields of a single run (seed,
    work dir, where to resume from, files of an evaluation, how many of the images it
    used: without this package, an evaluation counts the others as images in which
    nothing was found). A data set's folder
    becomes ``data/NAME``, where MMDetection looks for data by convention; so do other
    paths that lead out of the current folder. Annotation files outside of the data
    set's folder are expected in it.

    Args:
        cfg (Config): The config.
    """
    kept = {
        key: value
        for key, value in cfg.to_dict().items()
        if key in RUN_FIELDS - _OF_A_RUN
    }
    sets = [
        part
        for name, loader in kept.items()
        if name.endswith('_dataloader') and loader
        for _, part in parts(loader['dataset'], name)
    ]
    for part in sets:
        part.pop('indices', None)
    roots = {root: _under_data(root) for root in _data_roots(kept)}
    files = [_bring_home(part, roots) for part in sets]
    places = {place: new for moved in files for place, new in moved.items()}
    return Config(_moved(kept, places | roots))


def _bring_home(part: dict[str, Any], roots: dict[str, str]) -> dict[str, str]:
    """Name an annotation file as if it were in the data set's folder.

    Such as those of a split, which the job writes.

    Returns:
        dict[str, str]: Its former path and its new one; none where it is there.
    """
    file, root = part.get('ann_file') or '', str(part.get('data_root') or '')
    new = roots.get(root.rstrip('/'))
    if new is None or not _FOREIGN.match(file):
        return {}
    inner = PurePath(file)
    if inner.is_relative_to(root):
        part['ann_file'] = str(inner.relative_to(root))
    else:
        part['ann_file'] = inner.name
    return {file: f'{new}/{part["ann_file"]}'}


def _data_roots(value: Any) -> list[str]:
    """Find the folders of data sets that are of this machine."""
    found = []
    if isinstance(value, dict):
        root = value.get('data_root')
        if isinstance(root, str) and _FOREIGN.match(root):
            found.append(root.rstrip('/'))
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            found += _data_roots(part)
    return found


def _moved(value: Any, roots: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _moved(part, roots)
            for key, part in value.items()
            if key not in ('outfile_prefix', 'save_dir')
        }
    if isinstance(value, list | tuple):
        return type(value)(_moved(part, roots) for part in value)
    if not isinstance(value, str) or not _FOREIGN.match(value):
        return value
    for root, new in roots.items():
        if value == root or value.startswith(f'{root}/'):
            return new + value[len(root) :]
    return _under_data(value)


def _under_data(path: str) -> str:
    return f'data/{PurePath(path).name}'
