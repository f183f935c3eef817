"""The check of a whole config: data, models, teacher, one training step."""

import math
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmreviewkd.model_config import build_model, is_distilled, resolve_model_config
from mmreviewkd.names import counted

from .annotations import check_annotations
from .findings import Findings

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def preflight(cfg: Config, sample: int = 500) -> Findings:
    """Check a config before a long run.

    Args:
        cfg (Config): Config of a training, distillation or plain.
        sample (int): Read so many images of each annotation file at most.
            Defaults to 500.

    Returns:
        Findings: Problems of the data, of the number of classes, of building the
        model and loading the teacher, and of one training step, which is done only
        where there is no problem before it.
    """
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    found = Findings()
    checked = set()
    classes = None
    for loader in LOADERS:
        for dataset in _datasets((cfg.get(loader) or {}).get('dataset')):
            names, key = _classes(dataset), _files(dataset)
            classes = names if loader == LOADERS[0] else classes
            if key not in checked:
                checked.add(key)
                found += check_annotations(*key, names, _with_mask(dataset), sample)
    _check_evaluators(cfg, found)
    _check_heads(cfg.model, classes, found)
    if not found.problems:
        _try_a_step(cfg, found)
    return found


def _datasets(dataset: ConfigDict | None) -> Iterator[ConfigDict]:
    """The COCO data sets, out of what they may be wrapped in."""
    if dataset is None:
        return
    inner = dataset.get('datasets') or dataset.get('dataset')
    if inner is not None:
        for part in [inner] if isinstance(inner, dict) else inner:
            yield from _datasets(part)
    elif dataset.get('ann_file'):
        yield dataset


def _files(dataset: ConfigDict) -> tuple[str, str]:
    """Annotation file and folder of images."""
    root = Path(dataset.get('data_root') or '')
    prefix = dataset.get('data_prefix') or {}
    images = prefix.get('img') or prefix.get('img_path') or ''
    return str(root / dataset.ann_file), str(root / images)


def _classes(dataset: ConfigDict) -> tuple[str, ...] | None:
    own = (dataset.get('metainfo') or {}).get('classes')
    if own is None:
        own = getattr(DATASETS.get(dataset.type), 'METAINFO', {}).get('classes')
    return (own,) if isinstance(own, str) else own and tuple(own)


def _with_mask(dataset: ConfigDict) -> bool:
    return any(
        transform.get('with_mask', False) for transform in dataset.get('pipeline', [])
    )


def _check_evaluators(cfg: Config, found: Findings) -> None:
    for name in ('val', 'test'):
        evaluator = cfg.get(f'{name}_evaluator')
        loader = cfg.get(f'{name}_dataloader')
        if not isinstance(evaluator, dict) or not loader:
            continue
        theirs = evaluator.get('ann_file')
        for dataset in _datasets(loader.dataset):
            own, _ = _files(dataset)
            if theirs and Path(theirs).resolve() != Path(own).resolve():
                found.problem(
                    f'{name}_evaluator.ann_file is {str(theirs)!r}, but '
                    f'{name}_dataloader reads {own!r}: AP would be that of other images'
                )


def _check_heads(
    model: ConfigDict, classes: tuple[str, ...] | None, found: Findings
) -> None:
    detectors = {'the model': model}
    if is_distilled(model):
        detectors = {f'the {who}': model[who] for who in ('student', 'teacher')}
    for who, config in detectors.items():
        try:
            numbers = dict(_class_numbers(resolve_model_config(config)))
        except Exception as error:  # a config can be wrong in any way
            found.problem(f'the config of {who} cannot be read: {error}')
            continue
        for head, number in numbers.items():
            if classes is None or number == len(classes):
                continue
            own = counted(number, 'class', 'classes')
            text = f'{who} has {own} in {head}, the data {len(classes)}'
            if who == 'the teacher':
                found.note(f'{text}; fine unless scores of classes are compared')
            else:
                found.problem(f'{text}; set num_classes={len(classes)} there')


def _class_numbers(detector: ConfigDict, prefix: str = '') -> Iterator[tuple[str, int]]:
    for name in ('bbox_head', 'mask_head', 'roi_head'):
        heads = detector.get(name) or []
        for index, head in enumerate([heads] if isinstance(heads, dict) else heads):
            place = f'{prefix}{name}' + (
                f'[{index}]' if isinstance(heads, list) else ''
            )
            if 'num_classes' in head:
                yield place, head.num_classes
            yield from _class_numbers(head, f'{place}.')


def _try_a_step(cfg: Config, found: Findings) -> None:
    try:
        model: Any = build_model(cfg.model)
        model.init_weights()
    except Exception as error:
        found.problem(f'the model cannot be built and initialised: {error}')
        return
    try:
        model.train()
        data = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
        losses = model(**model.data_preprocessor(data, training=True), mode='loss')
        total, log = model.parse_losses(losses)
        total.backward()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        found.problem(
            f'a training step fails: {type(error).__name__}: {error} '
            f'({Path(place.filename).name}:{place.lineno})'
        )
        return
    values = {name: value.item() for name, value in log.items()}
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        found.problem('a training step has losses that are not finite', wrong)
    found.note(
        'a training step: '
        + ', '.join(f'{name} {value:.3g}' for name, value in values.items())
    )
