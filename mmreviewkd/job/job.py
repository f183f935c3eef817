"""The whole job: teacher, student, distilled student, table and plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device

from mmreviewkd.datasets import make_digits

from .coco_folder import CocoFolder
from .errors import JobError
from .plan import load_configs, plan_runs
from .plot_ap import plot_ap
from .plot_predictions import plot_predictions
from .progress import Console
from .report import Report, read_results
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
    classes: Sequence[str] | None = None,
    work_dir: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    controls: bool = False,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    image_size: int | None = None,
    options: dict[str, Any] | None = None,
) -> Path:
    """Train a teacher, a student alone, and the same student distilled from it.

    What is finished is kept: called again with the same arguments, the job goes
    on where it was interrupted. Several processes may share it.

    Args:
        configs (str | Path): Folder of the detectors' configs, see
            :func:`load_configs`.
        folder (str | Path, optional): A data set in COCO format. Defaults to
            None: the digits, which are made in ``data/``.
        classes (Sequence[str], optional): The classes to use. Defaults to None:
            all.
        work_dir (str | Path, optional): Where everything goes. Defaults to
            None: a folder in ``work_dirs/``, named after the data.
        seeds (Sequence[int]): Do everything once with each. Defaults to (0,).
        quick (bool): Only show that all works, in about two minutes.
            Defaults to False.
        controls (bool): Also distil from a random teacher, and with weight 0.
            Defaults to False.
        epochs (int, optional): Epochs of each run but the teacher's. Defaults to
            None: as configured; 2 where it is to be quick, 5 for the digits.
        teacher_epochs (int, optional): Epochs of the teacher's run. Defaults to None:
            as configured; 2 where it is to be quick, 9 for the digits.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None: see :func:`load_configs`.
        options (dict, optional): Changes to the configs, see
            :func:`load_configs`. Defaults to None.

    Returns:
        Path: The folder with table, plots and runs.

    Raises:
        JobError: If something is asked for that cannot be done, or a run fails.
    """
    console = Console()
    suffix = '_quick' if quick else ''
    defaults: tuple[int | None, int | None]
    if quick:
        defaults = QUICK_EPOCHS
    else:
        defaults = DIGITS_EPOCHS if folder is None else (None, None)
    data = open_data(folder, classes, console, quick)
    if work_dir is None:
        name = data.root.name.removesuffix(suffix)
        work_dir = f'work_dirs/{name}{suffix}'
    work_dir = Path(work_dir).resolve()
    cfgs = load_configs(
        Path(configs),
        data,
        epochs or defaults[0],
        teacher_epochs or defaults[1],
        image_size,
        {**(QUICK_OPTIONS if quick else {}), **(options or {})},
        QUICK_IMAGES if quick else None,
    )
    runs = plan_runs(cfgs, work_dir, seeds, controls)
    refuse_other_settings(runs)
    console.say(f'{device()} | {len(runs)} runs in {work_dir} | {data}')
    raise_if_any(do_runs(runs, console))

    report = Report(read_results(work_dir), data.has_masks, quick)
    report.write(work_dir)
    plot_ap(report, work_dir / 'ap_over_epochs.png')
    plot_predictions(runs, data, work_dir / 'predictions.png', quick)
    console.say(f'\n{report.table()}\nTable, plots and runs are in {work_dir}')
    return work_dir


def open_data(
    folder: str | Path | None,
    classes: Sequence[str] | None,
    console: Console,
    quick: bool = False,
) -> CocoFolder:
    """Open the data set, and say what the user should know of it.

    Args:
        folder (str | Path, optional): The data set; None for the digits, which are
            made in ``data/``.
        classes (Sequence[str], optional): The classes to use; None for all.
        console (Console): Where to say it.
        quick (bool): Whether a few digits do. Defaults to False.
    """
    if folder is None:
        folder = _make_digits(Path(f'data/digits{"_quick" if quick else ""}'), quick)
    data = CocoFolder(folder, classes)
    for note in data.notes:
        console.say(f'note: {note}')
    return data


def _make_digits(root: Path, quick: bool) -> Path:
    try:
        return make_digits(root, *(QUICK_IMAGES if quick else ()))
    except (ImportError, FileExistsError) as error:
        raise JobError(str(error)) from error


def device() -> str:
    """Say what the runs are done on."""
    if get_device() == 'cuda':
        return f'GPU ({torch.cuda.get_device_name()})'
    return f'{get_device().upper()} ({torch.get_num_threads()} threads)'
