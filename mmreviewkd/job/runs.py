"""Doing one run: start it, resume it, or find that it is done."""

import gc
import itertools
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import Hook
from torch import nn

from mmreviewkd.config_file import read_written_config
from mmreviewkd.distillers import students_own
from mmreviewkd.files import last_whole_checkpoint, write_json, write_text
from mmreviewkd.hooks import EvaluatedImagesHook
from mmreviewkd.hooks.signals import stop_listening
from mmreviewkd.launch import log_versions
from mmreviewkd.model_config import drop_own_scope, is_distilled, teacher_configs
from mmreviewkd.report.differences import describe_changes
from mmreviewkd.runner import Runner

from .checkpoints import StableNamesHook, trained_weights
from .errors import JobError
from .fit_data import main_metric
from .inference_cost import measure_inference_cost
from .measure import measure
from .plan import Run
from .predictions import SavePredictionsHook, measure_accuracy
from .record import RESULT, RecordHook, read_record, read_result

_CONFIG = 'config.py'
_numbers = itertools.count()


def is_begun(run: Run) -> bool:
    """Tell whether a run has something to go on from, or is finished."""
    return _is_begun(run.folder)


def _is_begun(folder: Path) -> bool:
    return read_result(folder) is not None or last_whole_checkpoint(folder) is not None


def refuse_other_settings(runs: Sequence[Run]) -> None:
    """Compare the runs' configs with those of the work that is already there.

    Raises:
        JobError: If a run, of this or another seed, was begun with another
            config.
    """
    for run in runs:
        # The name of a method's file may hold what a pattern means something by.
        for folder in run.folder.parent.parent.glob(f'seed_*/{escape(run.name)}'):
            _refuse_other_settings(run, folder)


def refuse_other_settings_of(run: Run) -> None:
    """Compare a run's config with that of the work in its own folder, if any.

    Raises:
        JobError: If the run was begun with another config.
    """
    _refuse_other_settings(run, run.folder)


def _refuse_other_settings(run: Run, folder: Path) -> None:
    if not _is_begun(folder):
        return
    old = read_written_config(folder / _CONFIG)
    changes = describe_changes(_comparable(old), _comparable(run.config))
    if changes:
        raise JobError(
            f'{folder} was begun with other settings:\n{changes}\n'
            'Repeat the former command, or take another --work-dir.'
        )


def train(
    run: Run,
    hook: Hook,
    warnings: logging.Handler,
    launch: Mapping[str, Any] | None = None,
) -> dict:
    """Do a run, or what is left of it.

    Args:
        run (Run): The run. One with trained weights is measured only.
        hook (Hook): Is told how the run goes.
        warnings (logging.Handler): Gets the warnings of MMEngine's logger. All
            else that is said goes to files in the run's folder.
        launch (Mapping[str, Any], optional): Fields of the config that join this
            process to others. Defaults to None: it is alone.

    Returns:
        dict: Its result, as it is kept in the folder.
    """
    # The cycles of a former runner would keep its model beside this one's.
    gc.collect()
    # MMEngine writes the config with each checkpoint; laying it out takes a second.
    cfg = Config(run.config.to_dict(), format_python_code=False)
    cfg.load_from = None if run.checkpoint else cfg.get('load_from')
    if run.needs is not None:
        # A hook such as EarlyStoppingHook may have ended its training early.
        cfg.model.teacher_checkpoint = trained_weights(run.needs)
    if is_main_process():
        written = Config(run.config.to_dict() | dict(model=cfg.model.to_dict()))
        write_text(run.folder / _CONFIG, written.pretty_text)
    cfg.update(launch or {})
    checkpoint = last_whole_checkpoint(run.folder)
    if checkpoint is not None:
        cfg.update(resume=True, load_from=str(checkpoint))
    # MMEngine keeps its message hubs, loggers and visualizers by name until the
    # process ends; a new name gives new ones.
    name = f'{run.name}-{run.seed}-{next(_numbers)}'
    cfg.experiment_name = cfg.visualizer.name = name
    rank = get_rank()
    with (
        open(run.folder / f'console{rank or ""}.log', 'a', encoding='utf-8') as log,
        redirect_stdout(log),
        redirect_stderr(log),
        _signals_kept(),
    ):
        runner = _Runner.from_cfg(cfg)
        logger = runner.logger
        logger.handlers = [
            handler
            for handler in logger.handlers
            if isinstance(handler, logging.FileHandler)
        ] + [warnings]
        log_versions()
        runner.register_hook(hook)
        runner.register_hook(EvaluatedImagesHook())
        runner.register_hook(SavePredictionsHook(run.folder))
        try:
            if run.checkpoint:
                found = measure(runner, run.checkpoint)
            else:
                found = _train(runner, main_metric(run.config))
            if is_main_process():
                found |= measure_accuracy(runner, run.folder)
                found |= measure_inference_cost(runner)
        finally:
            # MMEngine's logger outlives the run, and others talk through it.
            logger.removeHandler(warnings)
    result = dict(
        run=run.name,
        seed=run.seed,
        parameters=count_parameters(runner.model),
        **found,
    )
    if is_main_process():
        write_json(run.folder / RESULT, result)
    return result


def _train(runner: Runner, metric: str) -> dict:
    """Train, and return what the run has recorded."""
    runner.register_hook(RecordHook())
    runner.register_hook(StableNamesHook(metric))
    runner.train()
    record = read_record(runner)
    return dict(
        # As MMEngine has timed them, the loading of the batch included.
        step_seconds=float(
            np.median(runner.message_hub.get_scalar('train/time').data[0])
        ),
        steps=runner.iter,
        **record,
        final=record['epochs'][-1]['metrics'],
    )


def count_parameters(model: nn.Module) -> int:
    """Count the parameters of a detector as it is at inference."""
    parameters = students_own(dict(model.named_parameters()))
    return sum(parameter.numel() for parameter in parameters.values())


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Take PreemptionHook's handlers away where a run ends in an error."""
    try:
        yield
    finally:
        stop_listening()


class _Runner(Runner):
    def dump_config(self) -> None:
        """Leave the run's config as it is, without what resuming changes in it."""


def _comparable(cfg: Config) -> dict[str, Any]:
    """Take a config without the seed and where the work is."""
    content = cfg.to_dict()
    # Former versions wrote the seed alone; what is not set is as good as false.
    content['randomness'] = {
        key: value
        for key, value in content['randomness'].items()
        if value and key != 'seed'
    }
    # Former versions wrote no scope into the models of MMDetection's configs.
    for model in (content['model'], *_parts(content['model'])):
        drop_own_scope(model, cfg.get('default_scope'))
    work_dir = Path(cfg.work_dir).parents[1]
    # Of a run of the job: it follows from the teacher's own config.
    if str(content['model'].get('teacher_checkpoint')).startswith(f'{work_dir}/seed_'):
        del content['model']['teacher_checkpoint']
    # Its runs, and the annotations that the job writes.
    place = re.compile(rf'{re.escape(str(work_dir))}/(seed_\d+|data(?=/))')

    def without_place(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_place(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [without_place(item) for item in value]
        return place.sub('', value) if isinstance(value, str) else value

    return without_place(content)


def _parts(model: dict) -> list[dict]:
    """List the configs of a distilled model's student and teachers."""
    if not is_distilled(model):
        return []
    models = [model.get('student'), *teacher_configs(model)]
    return [one for one in models if isinstance(one, dict)]
