"""The model card of a published student."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from .config_file import read_written_config
from .datasets.class_names import parts
from .distillers.inherit import AUTO
from .model_config import build_model, teacher_configs
from .names import counted, printable
from .pages import write_page
from .report.run_log import read_runs
from .task import classifies
from .type_names import by_name, type_name

NAME = 'README.md'
_SCORES = {
    'coco/bbox_mAP': ('Box AP', 100),
    'coco/bbox_mAP_50': ('Box AP50', 100),
    'coco/segm_mAP': ('Mask AP', 100),
    'coco/segm_mAP_50': ('Mask AP50', 100),
    'accuracy/top1': ('Top-1 accuracy', 1),
    'accuracy/top5': ('Top-5 accuracy', 1),
}
"""Titles of metrics, and the points of one in them."""


def write_model_card(
    folder: str | Path,
    cfg: Config,
    checkpoint: str | Path,
    metrics: dict[str, float] | None = None,
) -> Path:
    """Write ``README.md`` beside a published student.

    Args:
        folder (str | Path): What :func:`publish_student` has written to.
        cfg (Config): Config of the distillation run.
        checkpoint (str | Path): The run's checkpoint that was published.
        metrics (dict, optional): Its metrics by MMDetection's names, AP from 0 to 1.
            Defaults to None: those that the run's log has of it, see
            :func:`logged_metrics`.

    Returns:
        Path: The card.
    """
    folder = Path(folder)
    student = read_written_config(folder / 'student.py', import_custom_modules=False)
    weights = CheckpointLoader.load_checkpoint(
        str(folder / 'student.pth'), map_location='cpu', logger='silent'
    )
    if metrics is None:
        metrics = logged_metrics(checkpoint)
    model = type_name(student.model)
    built = build_model(student.model, student.get('default_scope'))
    number = sum(one.numel() for one in built.parameters())
    classes = (weights['meta'].get('dataset_meta') or {}).get('classes') or ()
    path = folder / NAME
    write_page(
        path,
        'model_card.md',
        title=f'{model}, {counted(len(classes), "class", "classes")}',
        model=model,
        host=_host(student),
        classes=[_cell(name) for name in classes],
        training_data=_cell(_training_data(student, cfg) + _unlabeled(cfg)),
        validation_data=_validation_data(cfg),
        teachers=[_cell(_name(one)) for one in teacher_configs(cfg.model)],
        method=_cell(_method(by_name(cfg.model).get('distillation'))),
        start=_cell(_start(cfg.model.get('inherit'))),
        parameters=f'{number / 1e6:.2f} million',
        scores=[
            (title, f'{factor * metrics[key]:.1f}')
            for key, (title, factor) in _SCORES.items()
            if metrics.get(key, -1) >= 0
        ],
    )
    return path


def logged_metrics(checkpoint: str | Path) -> dict[str, float]:
    """Find what a run's log says of a checkpoint ``epoch_N.pth`` or ``iter_N.pth``.

    Args:
        checkpoint (str | Path): The checkpoint, in the work dir of its run.

    Returns:
        dict[str, float]: The metrics by name; none where the checkpoint was not
        evaluated, has another name or lies elsewhere.
    """
    path = Path(checkpoint)
    match = re.fullmatch(r'(?:epoch|iter)_(\d+)', path.stem)
    if match is None or not any(path.parent.glob('*/vis_data/scalars.json')):
        return {}
    (run, *_) = read_runs([path.parent])
    found = [point for point in run.evaluation if point['step'] == int(match[1])]
    return dict(found[-1]) if found else {}


def _host(student: Config) -> str:
    """Name the library whose tools load the student."""
    scope = student.model.get('_scope_') or student.get('default_scope')
    if scope == 'mmpretrain':
        return 'MMPretrain'
    return 'MMEngine' if classifies(student) else 'MMDetection'


def _start(inherited: str | Sequence[str] | None) -> str:
    if inherited == AUTO:
        return "the teacher's weights where they fit"
    names = [inherited] if isinstance(inherited, str) else inherited
    return f"{', '.join(names)} from the teacher's weights" if names else 'its own'


def _training_data(student: Config, cfg: Config) -> str:
    """Name the annotation files, and how many of their images the run used."""
    names = []
    # The labelled images come first, and the student's config says nothing of numbers.
    for part, used in zip(_sets(student, 'train'), _sets(cfg, 'train'), strict=False):
        name = '/'.join(
            str(part[key]).strip('/')
            for key in ('data_root', 'ann_file', 'root')
            if part.get(key)
        )
        number = _images_used(used)
        names.append(f'{name} ({number} of its images)' if name and number else name)
    return ', '.join(filter(None, names)) or 'not stated in the config'


def _validation_data(cfg: Config) -> str:
    numbers = [_images_used(part) for part in _sets(cfg, 'val')]
    images = 'the validation images'
    return f'{numbers[0]} of {images}' if len(numbers) == 1 and numbers[0] else images


def _images_used(part: dict) -> int | None:
    """How many images a data set's config limits it to; None where it does not."""
    indices = part.get('indices')
    return len(indices) if isinstance(indices, list | tuple) else indices


def _unlabeled(cfg: Config) -> str:
    """Name the folders of unlabelled images, which the student's config leaves out."""
    sets = _sets(cfg, 'train')
    names = [Path(p.folder).name for p in sets if type_name(p) == 'UnlabeledImages']
    return f'; images without annotations: {", ".join(names)}' if names else ''


def _sets(cfg: Config, split: str) -> list[Any]:
    loader = cfg.get(f'{split}_dataloader')
    return [part for _, part in parts(loader.dataset, '')] if loader else []


def _name(teacher: str | dict) -> str:
    """Name a teacher without the path to it."""
    if isinstance(teacher, str):
        return teacher if '::' in teacher else Path(teacher).stem
    base = teacher.get('_base_')
    name = _name(base) if isinstance(base, str) else type_name(teacher)
    backbone = teacher.get('backbone') or {}
    if 'type' in backbone:
        depth = backbone.get('depth')
        name += f' with {type_name(backbone)}{f"-{depth}" if depth else ""}'
    return name


def _method(distillation: Any) -> str:
    ways: Sequence[Any] = (
        distillation if isinstance(distillation, list | tuple) else [distillation or {}]
    )
    return ' and '.join(map(_way, ways))


def _way(fields: dict) -> str:
    kind = type_name(fields) if 'type' in fields else 'FeatureDistillation'
    inner = [
        type_name(fields[key])
        for key in ('connector', 'loss')
        if isinstance(fields.get(key), dict) and 'type' in fields[key]
    ]
    details = ', '.join([*inner, f'loss_weight {fields.get("loss_weight", 1.0):g}'])
    return f'{kind} ({details})'


def _cell(text: str) -> str:
    return printable(str(text)).replace('|', '\\|')
