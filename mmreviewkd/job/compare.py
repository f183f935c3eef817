"""The whole comparison: teacher, student alone, and the student by each method."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .comparison import Comparison, read_comparison
from .errors import JobError
from .job import DIGITS_EPOCHS, device, open_data
from .method import read_methods
from .plan import load_configs, plan_comparison
from .plot_gains import plot_gains
from .progress import Console
from .runs import refuse_other_settings
from .sharing import do_runs, raise_if_any


def run_comparison(
    configs: str | Path,
    methods: Sequence[str | Path],
    folder: str | Path | None = None,
    classes: Sequence[str] | None = None,
    work_dir: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    image_size: int | None = None,
    options: dict[str, Any] | None = None,
) -> Path:
    """Train one teacher, and for each seed a student alone and by each method.

    All students have the same schedule, and for each seed the same start and
    batches; ``model.inherit`` is ``()``, so that they differ in what the methods teach
    alone. What is finished is kept: called again, with more methods or seeds if
    wanted, the comparison goes on. Several processes may share it. Table and plot
    are written after each run, from all that is finished.

    Args:
        configs (str | Path): Folder of the detectors' configs, see
            :func:`load_configs`.
        methods (Sequence[str | Path]): The methods' files, see :func:`read_methods`.
        folder (str | Path, optional): A data set in COCO format. Defaults to
            None: the digits, which are made in ``data/``.
        classes (Sequence[str], optional): The classes to use. Defaults to None:
            all.
        work_dir (str | Path, optional): Where everything goes. Defaults to
            None: a folder in ``work_dirs/``, named after the data.
        seeds (Sequence[int]): Train each student once with each. Defaults to (0,).
        epochs (int, optional): Epochs of the students. Defaults to None: as
            configured; 5 for the digits.
        teacher_epochs (int, optional): Epochs of the teacher. Defaults to None: as
            configured; 9 for the digits.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None: see :func:`load_configs`.
        options (dict, optional): Changes to the configs, see
            :func:`load_configs`. Defaults to None.

    Returns:
        Path: The folder with table, plot and runs.

    Raises:
        JobError: If something is asked for that cannot be done, or a run fails.
    """
    options = {'model.inherit': (), **(options or {})}
    for key in options:
        if key.startswith('model.distillation'):
            raise JobError(
                f"--cfg-options {key}: that is what the methods set; change a method's "
                'file, or write another'
            )
    console = Console()
    defaults = DIGITS_EPOCHS if folder is None else (None, None)
    chosen = read_methods(methods)
    data = open_data(folder, classes, console)
    work_dir = Path(work_dir or f'work_dirs/{data.root.name}_methods').resolve()
    cfgs = load_configs(
        Path(configs),
        data,
        epochs or defaults[0],
        teacher_epochs or defaults[1],
        image_size,
        options,
    )
    runs = plan_comparison(cfgs, chosen, work_dir, seeds)
    refuse_other_settings(runs)
    console.say(f'{device()} | {len(runs)} runs in {work_dir} | {data}')

    def write() -> Comparison:
        comparison = read_comparison(runs, data.has_masks)
        comparison.write(work_dir)
        plot_gains(comparison, work_dir / 'comparison.png')
        return comparison

    failed = do_runs(runs, console, write)
    table = write().table()
    console.say(f'\n{table}\nTable, plot and runs are in {work_dir}')
    raise_if_any(failed)
    return work_dir
