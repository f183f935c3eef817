"""Building all that a job plans, and a step of each run, before the first begins."""

import copy
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmreviewkd.datasets import WithUnlabeled
from mmreviewkd.preflight.findings import Findings
from mmreviewkd.preflight.samples import build_loaders
from mmreviewkd.preflight.step import Cost, try_a_step

from .errors import JobError
from .estimate import count_evaluations
from .expected import Expected
from .plan import Run
from .pseudo_labels import without_missing_labels
from .quiet import quiet
from .runs import count_parameters
from .start import check_weights

_NETWORK = ('URLError', 'HTTPError', 'urlopen error', 'ConnectionError')
_HINT = (
    '\nWeights that start a training cannot be downloaded: give the student '
    '--student-checkpoint FILE, start --from-scratch, or name a file by --cfg-options '
    'model.student.backbone.init_cfg.checkpoint=FILE (model.teacher likewise)'
)
_STEPS = 2
MOST = 64
"""The largest batch that is tried."""


def try_runs(runs: Sequence[Run], say: Callable[[str], object]) -> list[Expected]:
    """Build each planned model, data set and method; take a step and a prediction.

    Args:
        runs (Sequence[Run]): Runs of a job that are not begun, each after the one that
            it needs. Those that differ from another by the seed alone are not tried.
        say (Callable): Is told what takes its time.

    Returns:
        list[Expected]: What each will take, those with other seeds included.

    Raises:
        JobError: If something of a run is wrong; it lists what of which run.
    """
    expected: dict[str, Expected] = {}
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        teacher = Path(folder) / 'teacher.pth'
        # Those of the former run, for the next one that has the same data. Of others
        # there is one at a time, since an annotation file may take gigabytes.
        loaders: dict[str, dict[str, DataLoader]] = {}
        for run in runs:
            if run.name in expected or any(
                p.startswith(f'{run.name}: ') for p in problems
            ):
                continue
            say(f'trying {run.name}: a training step and a prediction')
            found = Findings()
            cfg = _config(run, teacher)
            with quiet():
                key = str([cfg.train_dataloader, cfg.val_dataloader])
                if key not in loaders:
                    loaders.clear()
                    loaders[key] = build_loaders(cfg, found)
                cost = None
                if not found.problems:
                    cost = _try(run, cfg, loaders[key], found)
            if cost is None:
                problems += [f'{run.name}: {text}' for text in found.problems]
                continue
            if run.name == 'teacher' and not run.checkpoint:
                torch.save(dict(state_dict=cost.model.state_dict()), teacher)
            expected[run.name] = _expect(run, cost, loaders[key])
    if problems:
        text = '\n'.join(problems)
        hint = _HINT if any(name in text for name in _NETWORK) else ''
        raise JobError(f'nothing is begun, since it would fail:\n{text}{hint}')
    return [replace(expected[run.name], run=run) for run in runs]


def largest_batch(run: Run, most: int = MOST) -> int:
    """Find the largest power of two whose training step fits the GPU's memory.

    Args:
        run (Run): A run of a teacher that is there, or none.
        most (int): The largest to try. Defaults to :data:`MOST`.

    Raises:
        JobError: If a step fails for another reason, or not even one image fits.
    """
    fits, batch = 0, 1
    while batch <= most:
        cfg = copy.deepcopy(run.config)
        _set_batch(cfg.train_dataloader, batch)
        without_missing_labels(run, cfg)
        init_default_scope(cfg.get('default_scope') or 'mmdet')
        _without_teachers_file(cfg, None)
        found = Findings()
        with quiet():
            loaders = build_loaders(cfg, found)
            cost = None if found.problems else _try(run, cfg, loaders, found)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if cost is None:
            if 'out of memory' in str(found):
                break
            raise JobError(f'nothing is begun, since it would fail:\n{found}')
        fits, batch = batch, 2 * batch
    if not fits:
        raise JobError(
            'not even one image fits the GPU; take smaller images: --image-size'
        )
    return fits


def _config(run: Run, teacher: Path) -> Config:
    cfg = copy.deepcopy(run.config)
    # Loading processes take longer to start than a step takes.
    for name in ('train_dataloader', 'val_dataloader'):
        cfg[name].update(num_workers=0, persistent_workers=False)
        cfg[name].pop('prefetch_factor', None)
    if run.needs is not None:
        _without_teachers_file(cfg, teacher)
    without_missing_labels(run, cfg)
    if run.checkpoint:
        cfg.load_from = None
    return cfg


def _set_batch(loader: ConfigDict, batch: int) -> None:
    """Set the images of a step; those that are added to them keep their share."""
    added = (loader.get('batch_sampler') or {}).get('others')
    if added:
        loader.batch_sampler.others = max(1, round(added * batch / loader.batch_size))
    loader.batch_size = batch


def _without_teachers_file(cfg: Config, teacher: Path | None) -> None:
    """Put other weights in the place of those that are yet to be trained."""
    checkpoint = cfg.model.get('teacher_checkpoint')
    if not checkpoint or '://' in checkpoint or Path(checkpoint).is_file():
        return
    if teacher is not None and teacher.is_file():
        cfg.model.teacher_checkpoint = str(teacher)
    else:
        cfg.model.update(teacher_checkpoint='random', inherit=())


def _try(
    run: Run, cfg: Config, loaders: dict[str, DataLoader], found: Findings
) -> Cost | None:
    init_default_scope(cfg.get('default_scope') or 'mmdet')
    if run.checkpoint:
        # The loop of training is built, though there is none.
        cfg.train_cfg.max_epochs = 1
    cost = try_a_step(cfg, loaders, found, steps=0 if run.checkpoint else _STEPS)
    start = run.checkpoint or run.config.get('load_from')
    if cost is not None and start:
        try:
            check_weights(cost.model, start, strict=bool(run.checkpoint))
        except ValueError as error:
            found.problem(str(error))
            return None
    return cost


def _expect(run: Run, cost: Cost, loaders: dict[str, DataLoader]) -> Expected:
    train, val = loaders.values()
    images: Any = (val if run.checkpoint else train).dataset
    if isinstance(images, WithUnlabeled):
        images = images.datasets[0]
    return Expected(
        run=run,
        parameters=count_parameters(cost.model),
        epochs=0 if run.checkpoint else run.config.train_cfg.max_epochs,
        images=len(images),
        batch=run.config.train_dataloader.batch_size,
        others=getattr(train.batch_sampler, 'others', 0),
        epoch_seconds=len(train) * cost.step_seconds,
        evaluations=count_evaluations(run),
        evaluation_seconds=len(val) * cost.evaluation_seconds,
        memory=cost.memory,
    )
