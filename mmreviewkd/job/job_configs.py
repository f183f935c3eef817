"""The configs of teacher, student and distilled student, fitted to the data."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmreviewkd.data_folders import DataFolder
from mmreviewkd.model_config import without_pretrained
from mmreviewkd.names import counted

from .epoch_steps import EpochSteps
from .errors import JobError
from .fit_data import fit_data, main_metric, other_metrics
from .fit_device import (
    RTMDET_BATCH,
    batch_and_rate,
    keeps_rate,
    mend_base_batch,
    set_device,
    set_patience,
)
from .image_size import set_image_size
from .labeled_images import LabeledImages, fit_images
from .num_classes import set_num_classes
from .options import models_of, options_for
from .pair import Pair, read_pair
from .schedule import set_epochs
from .settings import Detectors, Training
from .start import (
    check_start,
    random_model,
    start_from_checkpoint,
    start_from_scratch,
)
from .trained_teacher import TrainedTeacher

Data = DataFolder | LabeledImages
_KEPT = ('type', '_scope_', 'priority', 'backend_args', 'published_keys')
"""Fields of a config's checkpoint hook that the job leaves as they are."""
_NEEDED_AS_THEY_ARE = (
    'filename_tmpl',
    'out_dir',
    'save_begin',
    'save_last',
    'save_optimizer',
    'save_param_scheduler',
)
"""Fields of it with which a run could not be resumed, or its end not be found."""


def load_configs(
    configs: Path,
    data: Data,
    training: Training | None = None,
    options: dict[str, Any] | None = None,
    detectors: Detectors | None = None,
    on_gpu: bool = False,
    processes: int = 1,
    say: Callable[[str], object] = lambda text: None,
) -> dict[str, Config]:
    """Read the configs and fit them to the data and the device.

    Args:
        configs (Path): Folder of the demo's ``reviewkd_{frcnn,mrcnn}.py``, which are
            taken where no detectors are named: Mask R-CNN where the data has masks.
        data (DataFolder | LabeledImages): The data set.
        training (Training, optional): How to train. Defaults to None: as configured.
        options (dict, optional): Changes by dotted keys, see :func:`options_for`.
            Defaults to None.
        detectors (Detectors, optional): Teacher and student. Defaults to None: the
            demo's.
        on_gpu (bool): Whether the job runs on a GPU. Defaults to False.
        processes (int): How many processes train together. Defaults to 1.
        say (Callable): Is told what the user should know. Defaults to nothing.

    Returns:
        dict[str, Config]: The configs of ``'teacher'``, ``'student'`` and
        ``'distilled'``. A teacher that is trained already has 0 epochs, and is left
        out where it cannot be measured on the data.

    Raises:
        JobError: If a config, checkpoint or option is wrong or does not fit.
    """
    detectors, training = detectors or Detectors(), training or Training()
    check_start(detectors.from_scratch, detectors.student_checkpoint)
    detectors, models, options = models_of(detectors, options or {})
    pair = read_pair(detectors, _demo(configs, data), models)
    given = TrainedTeacher.of(pair)
    cfgs = dict(student=pair.student, distilled=pair.distilled)
    if pair.teacher is not None and (given is None or given.knows(data.classes, say)):
        cfgs = dict(teacher=pair.teacher) | cfgs
    _set_models(cfgs, pair, given, detectors, len(data.classes))
    if isinstance(data, DataFolder):
        others = dict.fromkeys(
            one for cfg in cfgs.values() for one in other_metrics(cfg)
        )
        if others:
            say(f'note: CocoMetric alone evaluates; left out: {", ".join(others)}')
    keep, mended = [], []
    epoch_steps = EpochSteps(processes)
    for name, cfg in cfgs.items():
        before = batch_and_rate(cfg)
        if mend_base_batch(cfg):
            mended.append(name)
        own = options_for(name, cfg, options)
        _fit(cfg, pair, data, training, on_gpu)
        epochs = training.teacher_epochs if name == 'teacher' else training.epochs
        set_epochs(cfg, epochs, epoch_steps.count(_loading(cfg, name, own)))
        if training.patience:
            set_patience(cfg, training.patience, main_metric(cfg))
        _merge(cfg, name, own)
        # Options may add to them.
        import_modules_from_strings(**cfg.custom_imports)
        _refuse_options(cfg, name)
        if keeps_rate(cfg, *before):
            keep.append(name)
    if mended:
        say(
            f"note: RTMDet's learning rate is for {RTMDET_BATCH} images, while its "
            f'configs say 16; auto_scale_lr.base_batch_size of {", ".join(mended)} is '
            f'{RTMDET_BATCH} unless --cfg-options sets it'
        )
    if keep:
        say(
            f'note: the batch of {", ".join(keep)} is not that of the config, but the '
            'learning rate is, since auto_scale_lr.base_batch_size is not set; set it, '
            'or optim_wrapper.optimizer.lr, by --cfg-options'
        )
    if given is not None and 'teacher' in cfgs:
        cfgs['teacher'].train_cfg.max_epochs = 0
        cfgs['teacher'].load_from = given.checkpoint
    return cfgs


def _set_checkpoints(cfg: Config) -> None:
    """Have checkpoints written where the job looks for them, with all it needs."""
    old = cfg.default_hooks.get('checkpoint') or {}
    kept = {key: old[key] for key in _KEPT if key in old}
    # MMEngine removes the oldest before it writes the newest.
    cfg.default_hooks.checkpoint = dict(
        dict(type='CheckpointHook') | kept,
        interval=1,
        max_keep_ckpts=2,
        by_epoch=True,
        save_best=None,
    )


def _refuse_options(cfg: Config, name: str) -> None:
    """Refuse what would only be found out at the end of a run."""
    hook = cfg.default_hooks.get('checkpoint') or {}
    for key in _NEEDED_AS_THEY_ARE:
        if key in hook:
            raise JobError(
                f'--cfg-options default_hooks.checkpoint.{key}: the job finds and '
                'resumes its own checkpoints; leave it out'
            )
    loop = cfg.train_cfg
    if loop.get('val_begin', 1) > loop.max_epochs:
        raise JobError(
            f'train_cfg.val_begin of {name} is {loop.val_begin}, but there are '
            f'{counted(loop.max_epochs, "epoch")}, so there would be no evaluation; '
            f'write --cfg-options {name}.train_cfg.val_begin=1'
        )


def _demo(configs: Path, data: Data) -> Path:
    masks = isinstance(data, DataFolder) and data.has_masks
    return configs / f'reviewkd_{"mrcnn" if masks else "frcnn"}.py'


def _merge(cfg: Config, name: str, options: dict[str, Any]) -> None:
    for key, value in options.items():
        try:
            # MMEngine changes what it merges.
            cfg.merge_from_dict({key: copy.deepcopy(value)})
        except (KeyError, TypeError) as error:
            raise JobError(
                f'--cfg-options: {key} of {name}: {error.args[0]}'
            ) from error


def _loading(cfg: Config, name: str, options: dict[str, Any]) -> Config:
    """Copy a config with those options that change its training data."""
    cfg = copy.deepcopy(cfg)
    keys = ('train_dataloader', 'custom_imports')
    own = {key: value for key, value in options.items() if key.startswith(keys)}
    _merge(cfg, name, own)
    return cfg


def _set_models(
    cfgs: dict[str, Config],
    pair: Pair,
    given: TrainedTeacher | None,
    detectors: Detectors,
    classes: int,
) -> None:
    """Set the number of classes, and where the weights start from."""
    model = pair.distilled.model
    trained = [pair.student.model, model.student]
    teachers = [pair.teacher.model] if pair.teacher is not None else []
    teachers += [model.teacher] if pair.teacher is not None else []
    for detector in trained:
        set_num_classes(detector, classes)
    for detector in teachers:
        number = classes if given is None else given.num_classes
        if number is not None:
            set_num_classes(detector, number)
    if given is not None and pair.teacher is not None:
        # It has all its weights.
        pair.teacher.model = without_pretrained(pair.teacher.model)
        model.teacher = without_pretrained(model.teacher)
    if detectors.from_scratch:
        start_from_scratch(pair.student)
        start_from_scratch(pair.distilled)
        if given is None and pair.teacher is not None:
            start_from_scratch(pair.teacher)
            model.teacher = random_model(model.teacher)
    if detectors.student_checkpoint:
        for cfg in (pair.student, pair.distilled):
            start_from_checkpoint(cfg, detectors.student_checkpoint)
    if pair.start and 'teacher' in cfgs:
        start_from_checkpoint(cfgs['teacher'], pair.start)


def _fit(
    cfg: Config,
    pair: Pair,
    data: Data,
    training: Training,
    on_gpu: bool,
) -> None:
    if isinstance(data, LabeledImages):
        fit_images(cfg, data, training.max_images)
    else:
        fit_data(cfg, data, training.max_images)
        side = training.image_size
        if side is None and pair.max_side is not None:
            side = min(pair.max_side, data.max_side)
        if side is not None:
            set_image_size(cfg, side)
    set_device(cfg, training, on_gpu)
    _set_checkpoints(cfg)
    cfg.resume = False
