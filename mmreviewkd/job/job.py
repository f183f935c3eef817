"""The whole job: teacher, student alone, distilled students, table and plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device

from mmreviewkd.data_folders import DataError, DataFolder, Given, open_folder
from mmreviewkd.datasets import make_digits
from mmreviewkd.names import counted

from .errors import JobError
from .job_configs import load_configs
from .method import AS_CONFIGURED, Method, refuse_double_names
from .plan import plan_runs
from .plot_ap import plot_ap
from .plot_gains import plot_gains
from .plot_predictions import plot_predictions
from .progress import Console
from .report import table, weak_teachers, write_report
from .results import Results, read_results
from .runs import refuse_other_settings
from .sharing import do_runs, raise_if_any

# Student's and teacher's; the digits' are meant for a quarter of an hour.
QUICK_EPOCHS = (2, 2)
DIGITS_EPOCHS = (5, 9)
QUICK_OPTIONS = {'train_cfg.val_interval': 1}
QUICK_IMAGES = (64, 32)


def run_job(
    configs: str | Path,
    folder: str | Path | None = None,
    methods: Sequence[Method] = (AS_CONFIGURED,),
    one_teacher: bool = False,
    classes: Sequence[str] | None = None,
    work_dir: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    image_size: int | None = None,
    options: dict[str, Any] | None = None,
    given: Given | None = None,
) -> Path:
    """Train a teacher, and a student alone and distilled by each method.

    All students have the same schedule, and with each seed the same start and batches.
    What is finished is kept: called again, with more methods or seeds if wanted, the
    job is resumed where it was interrupted. Several processes may share it. The table
    is written after each run, from all that is finished.

    Args:
        configs (str | Path): Folder of the detectors' configs, see
            :func:`load_configs`.
        folder (str | Path, optional): A data set, see :func:`open_folder`. Defaults to
            None: the digits, which are made in ``data/``.
        methods (Sequence[Method]): The ways to distil the student. Defaults to the
            configured one alone.
        one_teacher (bool): Whether all students have one teacher, of seed 0, instead
            of one for each seed. Defaults to False.
        classes (Sequence[str], optional): The classes to use. Defaults to None:
            all.
        work_dir (str | Path, optional): Where everything goes. Defaults to
            None: a folder in ``work_dirs/``, named after the data.
        seeds (Sequence[int]): Train each student once with each. Defaults to (0,).
        quick (bool): Only show that all works, in about two minutes.
            Defaults to False.
        epochs (int, optional): Epochs of each run but the teacher's. Defaults to
            None: as configured; 2 where it is to be quick, 5 for the digits.
        teacher_epochs (int, optional): Epochs of the teacher's run. Defaults to None:
            as configured; 2 where it is to be quick, 9 for the digits.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None: see :func:`load_configs`.
        options (dict, optional): Changes to the configs, see
            :func:`load_configs`. Defaults to None.
        given (Given, optional): Files of the data set that the user names. Defaults to
            None.

    Returns:
        Path: The folder with table, plots and runs.

    Raises:
        JobError: If something is asked for that cannot be done, or a run fails.
    """
    console = Console()
    options = options or {}
    refuse_double_names(methods)
    _refuse_distillation(methods, options)
    own_epochs: tuple[int | None, int | None] = (None, None)
    if quick:
        own_epochs = QUICK_EPOCHS
    elif folder is None:
        own_epochs = DIGITS_EPOCHS
    if folder is None and given and any(given):
        raise JobError('files of a data set are given, but not its folder: name it too')
    root = Path(folder) if folder is not None else _make_digits(quick)
    work_dir = Path(work_dir or _default_work_dir(root, one_teacher, quick)).resolve()
    data = _open_data(root, classes, work_dir, given, console)
    cfgs = load_configs(
        Path(configs),
        data,
        epochs or own_epochs[0],
        teacher_epochs or own_epochs[1],
        image_size,
        (QUICK_OPTIONS if quick else {}) | options,
        QUICK_IMAGES if quick else None,
    )
    runs = plan_runs(cfgs, work_dir, methods, seeds, one_teacher)
    refuse_other_settings(runs)
    console.say(f'{_device()} | {counted(len(runs), "run")} in {work_dir} | {data}')

    def report() -> Results:
        results = read_results(runs, data.has_masks, one_teacher, quick)
        write_report(results, work_dir)
        plot_gains(results, work_dir / 'gains.png')
        return results

    failed = do_runs(runs, console, report)
    results = report()
    console.say('drawing ap_over_epochs.png and predictions.png')
    plot_ap(results, work_dir / 'ap_over_epochs.png')
    plot_predictions(runs, results, data, work_dir / 'predictions.png')
    console.say(f'\n{table(results)}\nTable, plots and runs are in {work_dir}')
    if not quick:
        for text in weak_teachers(results):
            console.say(f'warning: {text}')
    raise_if_any(failed)
    return work_dir


def _refuse_distillation(methods: Sequence[Method], options: dict[str, Any]) -> None:
    if any('distillation' in method.model for method in methods):
        for key in options:
            if key.startswith('model.distillation'):
                raise JobError(
                    f'--cfg-options {key}: that is what the methods set; change a '
                    "method's file, or write another"
                )


def _default_work_dir(root: Path, one_teacher: bool, quick: bool) -> str:
    suffix = '_quick' if quick else ''
    name = root.resolve().name.removesuffix(suffix)
    return f'work_dirs/{name}{"_methods" if one_teacher else ""}{suffix}'


def _open_data(
    root: Path,
    classes: Sequence[str] | None,
    work_dir: Path,
    given: Given | None,
    console: Console,
) -> DataFolder:
    """Open the data set, and say what was found and what the user should know."""
    try:
        data = open_folder(root, classes, work_dir, given)
    except DataError as error:
        raise JobError(str(error)) from error
    console.say(data.found)
    for note in data.notes:
        console.say(f'note: {note}')
    return data


def _make_digits(quick: bool) -> Path:
    root = Path(f'data/digits{"_quick" if quick else ""}')
    try:
        return make_digits(root, *(QUICK_IMAGES if quick else ()))
    except (ImportError, FileExistsError) as error:
        raise JobError(str(error)) from error


def _device() -> str:
    """Say what the runs are done on."""
    if get_device() == 'cuda':
        return f'GPU ({torch.cuda.get_device_name()})'
    return f'{get_device().upper()} ({counted(torch.get_num_threads(), "thread")})'
