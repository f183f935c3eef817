"""The student that a job ends with: published, and exported where that is asked for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from mmreviewkd.config_file import read_written_config
from mmreviewkd.distillers import publish_student
from mmreviewkd.errors import UsageError
from mmreviewkd.export_onnx import export_onnx
from mmreviewkd.inference import load_detector
from mmreviewkd.model_card import write_model_card
from mmreviewkd.results.results import Results

from .checkpoints import BEST, trained_weights
from .fit_data import main_metric
from .image_size import evaluation_size
from .method import CONTROLS
from .plan import Run
from .quiet import quiet
from .record import read_result

_STRIDE = 32


def write_student(
    runs: Sequence[Run],
    results: Results,
    work_dir: Path,
    export: str | None,
    say: Callable[[str], object],
) -> Path | None:
    """Publish the distilled student with the highest score, box AP where there is one.

    Of its run it is the best checkpoint, or the last where no epoch was evaluated.

    Args:
        runs (Sequence[Run]): The runs of a job.
        results (Results): Their results.
        work_dir (Path): Gets the folder ``student``.
        export (str, optional): ``'onnx'`` to write ``student.onnx`` too. None: not.
        say (Callable): Is told what is written, and why something is not.

    Returns:
        Path | None: The folder; None where no distilled student is finished.
    """
    run = _choose(runs, results)
    if run is None:
        return None
    folder = work_dir / 'student'
    # Several processes may end the job at the same time.
    with FileLock(work_dir / 'student.lock'):
        _publish(run, folder)
        say(f'the student of {run} is in {folder}')
        if export == 'onnx':
            _export(run, folder, say)
    return folder


def _choose(runs: Sequence[Run], results: Results) -> Run | None:
    controls = [method.name for method in CONTROLS]
    scores = {
        name: results.scores(name, results.kinds[0])
        for name in results.methods
        if name not in controls
    }
    found = [run for run in runs if run.seed in scores.get(run.name, {})]
    return max(found, key=lambda run: scores[run.name][run.seed], default=None)


def _publish(run: Run, folder: Path) -> None:
    # It may be that of a former student.
    (folder / 'student.onnx').unlink(missing_ok=True)
    best = run.folder / BEST
    checkpoint = str(best) if best.is_file() else trained_weights(run)
    result = read_result(run.folder)
    assert result is not None  # results know it
    metrics = result['final']
    if best.is_file():
        name = main_metric(run.config)
        points = [point['metrics'] for point in result['epochs']]
        metrics = max(points, key=lambda one: one.get(name, 0.0))
    with quiet():
        publish_student(run.config, checkpoint, folder)
        write_model_card(folder, run.config, checkpoint, metrics)


def _export(run: Run, folder: Path, say: Callable[[str], object]) -> None:
    try:
        width, height = (_multiple(side) for side in evaluation_size(run.config))
        with quiet():
            cfg = read_written_config(folder / 'student.py')
            model = load_detector(cfg, str(folder / 'student.pth'), device='cpu')
            exported = export_onnx(model, folder / 'student.onnx', (height, width))
    except UsageError as error:
        say(f'note: there is no ONNX file: {error}')
        return
    say(
        f'{exported.path}: for images of {width} x {height} pixels, as in PyTorch but '
        f'for {exported.difference:.1e} of the largest value'
    )


def _multiple(side: int) -> int:
    """Round up to what all levels of a detector divide."""
    return -(-side // _STRIDE) * _STRIDE
