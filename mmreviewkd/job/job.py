"""The whole job: teacher, student alone, distilled students, table and plots."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device

from mmreviewkd.data_folders import DataError, DataFolder, Given, open_folder
from mmreviewkd.datasets import make_digits
from mmreviewkd.names import counted
from mmreviewkd.results.plot_ap import plot_ap
from mmreviewkd.results.plot_gains import plot_gains
from mmreviewkd.results.results import Results
from mmreviewkd.results.table import table, weak_teachers, write_tables
from mmreviewkd.task import classifies

from .about import about_job
from .errors import JobError
from .expected import Expected, announcement, mixed_up
from .fit_data import kinds_of
from .job_configs import Data, load_configs
from .labeled_images import open_labeled_images
from .method import AS_CONFIGURED, Method, refuse_double_names
from .pair import named_config
from .plan import Run, plan_runs
from .plot_predictions import plot_predictions
from .processes import Team, rank_and_size
from .progress import Console
from .pseudo_labels import refuse_other_labels
from .read_results import read_results
from .record import read_result
from .runs import is_begun, refuse_other_settings
from .settings import Detectors, Training
from .sharing import do_runs, raise_if_any
from .student import write_student
from .trial import MOST, largest_batch, try_runs

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
    detectors: Detectors | None = None,
    training: Training | None = None,
    options: dict[str, Any] | None = None,
    given: Given | None = None,
    launcher: str = 'none',
    dry_run: bool = False,
    export: str | None = None,
) -> Path:
    """Train a teacher, and a student alone and distilled by each method.

    All students have the same schedule, and with each seed the same start and batches.
    Before anything begins, all that is planned is built and takes a step. What is
    finished is kept: called again, with more methods or seeds if wanted, the job is
    resumed where it was interrupted. Several processes may share it. The table is
    written after each run, from all that is finished; at the end the distilled student
    is published, see :func:`write_student`.

    Args:
        configs (str | Path): Folder of the demo's configs, see :func:`load_configs`.
        folder (str | Path, optional): A data set, see :func:`open_folder`; of
            classifiers, see :func:`open_labeled_images`. Defaults to None: the digits,
            which are made in ``data/``; for classifiers as configured.
        methods (Sequence[Method]): The ways to distil the student. Defaults to the
            configured one alone.
        one_teacher (bool): Whether all students have one teacher, of seed 0, instead
            of one for each seed. Defaults to False.
        classes (Sequence[str], optional): The classes to use. Defaults to None:
            all.
        work_dir (str | Path, optional): Where everything goes. Defaults to
            None: a folder in ``work_dirs/``, named after data and detectors.
        seeds (Sequence[int]): Train each student once with each. Defaults to (0,).
        quick (bool): Only show that all works, in about two minutes.
            Defaults to False.
        detectors (Detectors, optional): Teacher and student. Defaults to None: the
            demo's.
        training (Training, optional): How they are trained. Defaults to None: as
            configured; two epochs where it is to be quick, and for the digits
            :data:`DIGITS_EPOCHS`.
        options (dict, optional): Changes to the configs, see
            :func:`options_for`. Defaults to None.
        given (Given, optional): Files of the data set that the user names. Defaults to
            None.
        launcher (str): ``'pytorch'``, ``'slurm'`` or ``'mpi'`` where several processes
            train each run together. Defaults to ``'none'``.
        dry_run (bool): Whether to stop before the first run begins. Defaults to False.
        export (str, optional): ``'onnx'`` to write the student in that format too.
            Defaults to None.

    Returns:
        Path: The folder with table, plots, runs and student.

    Raises:
        JobError: If something is asked for that cannot be done, or a run fails.
    """
    rank, size = rank_and_size(launcher)
    if rank:
        if not dry_run:  # The first alone tries the runs.
            Team(launcher).follow()
        return Path(work_dir or '.')
    console = Console()
    options = options or {}
    detectors = detectors or Detectors()
    refuse_double_names(methods)
    _refuse_distillation(methods, options)
    if folder is None and given and any(given):
        raise JobError('files of a data set are given, but not its folder: name it too')
    cfg = named_config(detectors)
    classifier = cfg if cfg is not None and classifies(cfg) else None
    root = _data_root(folder, classifier, quick)
    digits = folder is None and classifier is None
    training = _with_defaults(training or Training(), digits, quick)
    name = _default_work_dir(root, detectors, one_teacher, quick)
    work_dir = Path(work_dir or name).resolve()
    _check_work_dir(work_dir)
    unlabeled = dict.fromkeys(m.unlabeled.folder for m in methods if m.unlabeled)
    if classifier is not None:
        _refuse_for_classifiers(
            {
                'a list of classes (--classes)': classes,
                'an image size (--image-size)': training.image_size,
                'unlabelled images (--unlabeled)': unlabeled,
                'files of annotations or images': given and any(given),
                '--export': export,
            }
        )
        data: Data = open_labeled_images(classifier, root)
        _say_found(data, console)
    else:
        data = _open_data(root, classes, work_dir, given, [*unlabeled], console)
    on_gpu = get_device() == 'cuda'

    def plan(training: Training, say: Callable[[str], object]) -> list[Run]:
        cfgs = load_configs(
            Path(configs),
            data,
            training,
            (QUICK_OPTIONS if quick else {}) | options,
            detectors,
            on_gpu,
            size,
            say,
        )
        return plan_runs(cfgs, work_dir, methods, seeds, one_teacher)

    training = _fixed_batch(training, plan, data, on_gpu, console)
    runs = plan(training, console.say)
    refuse_other_settings(runs)
    refuse_other_labels(runs)
    console.say(f'{_device()} | {counted(len(runs), "run")} in {work_dir} | {data}')
    _say_fewer_images(training, data, console)
    new: list[Run] = []
    begun: list[Run] = []
    for run in runs:
        (begun if is_begun(run) else new).append(run)
    expected = [one.shared_by(size) for one in try_runs(new, console.say)]
    unfinished = [run for run in begun if not read_result(run.folder)]
    if unfinished:
        texts = '; '.join(map(str, unfinished))
        console.say(f'begun before, to be resumed: {texts}')
    if expected:
        console.say(announcement(expected, on_gpu))
        if mixed_up(expected):
            console.say(mixed_up(expected))
    if dry_run:
        console.say('Nothing is begun; leave out --dry-run to begin.')
        return work_dir
    kinds = kinds_of(runs[-1].config)
    one_teacher = one_teacher or any(run.checkpoint for run in runs)

    def report() -> Results:
        results = read_results(runs, kinds, one_teacher, quick)
        write_tables(results, work_dir, about_job(runs, data, _device()))
        plot_gains(results, work_dir / 'gains.png')
        return results

    failed = _do(runs, console, report, launcher, expected)
    results = report()
    # Before the pictures: one that cannot be drawn must not cost the student.
    write_student(runs, results, work_dir, export, console.say)
    console.say('drawing ap_over_epochs.png')
    plot_ap(results, work_dir / 'ap_over_epochs.png')
    if isinstance(data, DataFolder):
        console.say('drawing predictions.png')
        plot_predictions(runs, results, data, work_dir / 'predictions.png')
    console.say(f'\n{table(results)}\nTable, plots and runs are in {work_dir}')
    for text in weak_teachers(results):
        console.say(f'warning: {text}')
    raise_if_any(failed)
    return work_dir


def _with_defaults(training: Training, digits: bool, quick: bool) -> Training:
    """Set the epochs of the demo, and of a quick run, where none are asked for."""
    own: tuple[int | None, int | None] = (None, None)
    if quick:
        own = QUICK_EPOCHS
    elif digits:
        own = DIGITS_EPOCHS
    return replace(
        training,
        epochs=training.epochs or own[0],
        teacher_epochs=training.teacher_epochs or own[1],
        max_images=training.max_images or (QUICK_IMAGES if quick else None),
    )


def _fixed_batch(
    training: Training,
    plan: Callable[[Training, Callable[[str], object]], list[Run]],
    data: Data,
    on_gpu: bool,
    console: Console,
) -> Training:
    """Find the batch where it is to be found."""
    if training.batch != 'auto':
        return training
    as_configured = replace(training, batch=None)
    if not on_gpu:
        console.say("note: --batch auto is for GPUs; on a CPU it is the config's")
        return as_configured
    console.say('finding the largest batch that fits the GPU')
    distilled = plan(as_configured, lambda text: None)[-1]
    batch = largest_batch(distilled, min(MOST, data.train.images))
    console.say(f'batches of {counted(batch, "image")}')
    return replace(training, batch=batch)


def _say_fewer_images(training: Training, data: Data, console: Console) -> None:
    found = (data.train.images, data.val.images)
    used = tuple(map(min, training.max_images or found, found))
    if used != found:
        console.say(f'--max-images: {used[0]} + {used[1]} of the images are used')


def _do(
    runs: list[Run],
    console: Console,
    report: Callable[[], Results],
    launcher: str,
    expected: Sequence[Expected],
) -> list[Run]:
    """Do the runs, together with the other processes of the launcher."""
    if launcher == 'none':
        return do_runs(runs, console, report, expected=expected)
    team = Team(launcher)
    team.lead(runs)
    failed = do_runs(runs, console, report, team, expected)
    team.lead(None)
    team.leave()
    return failed


def _refuse_distillation(methods: Sequence[Method], options: dict[str, Any]) -> None:
    if any('distillation' in method.model for method in methods):
        for key in options:
            if key.startswith('model.distillation'):
                raise JobError(
                    f'--cfg-options {key}: that is what the methods set; change a '
                    "method's file, or write another"
                )


def _default_work_dir(
    root: Path, detectors: Detectors, one_teacher: bool, quick: bool
) -> str:
    suffix = '_quick' if quick else ''
    name = root.resolve().name.removesuffix(suffix)
    named = detectors.pair or detectors.student
    if named:
        name += f'_{Path(named).stem}'
    return f'work_dirs/{name}{"_methods" if one_teacher else ""}{suffix}'


def _check_work_dir(work_dir: Path) -> None:
    """See to it that the folder can be made and written to, before hours of work."""
    place = next(path for path in (work_dir, *work_dir.parents) if path.exists())
    if not place.is_dir():
        raise JobError(f'--work-dir {work_dir}: {place} is a file; give a folder')
    if not os.access(place, os.W_OK | os.X_OK):
        raise JobError(
            f'--work-dir {work_dir}: {place} cannot be written to; give another folder'
        )


def _open_data(
    root: Path,
    classes: Sequence[str] | None,
    work_dir: Path,
    given: Given | None,
    unlabeled: Sequence[str],
    console: Console,
) -> DataFolder:
    """Open the data set, and say what was found and what the user should know."""
    try:
        data = open_folder(root, classes, work_dir, given, unlabeled)
    except DataError as error:
        raise JobError(str(error)) from error
    _say_found(data, console)
    return data


def _say_found(data: Data, console: Console) -> None:
    console.say(data.found)
    for note in data.notes:
        console.say(f'note: {note}')


def _refuse_for_classifiers(asked: dict[str, Any]) -> None:
    """Refuse what only detectors have."""
    for what, value in asked.items():
        if value:
            raise JobError(f'{what}: not for classifiers; leave it out')


def _data_root(
    folder: str | Path | None, classifier: Config | None, quick: bool
) -> Path:
    """Name the folder of the data; the digits are made where none is named."""
    if folder is not None:
        return Path(folder)
    if classifier is not None:
        return Path(classifier.get('data_root') or '.')
    return _make_digits(quick)


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
