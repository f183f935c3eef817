"""Which runs a job consists of, each with its whole config."""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmreviewkd.distillers import resolve_model_config

from .coco_folder import CocoFolder
from .errors import JobError
from .method import Method

MAIN = ('teacher', 'student', 'distilled')
CONTROLS = ('random_teacher', 'zero_weight')
DETECTORS = ('student', 'teacher')
MODEL_PARTS = (*DETECTORS, 'distillation')
MODEL_FIELDS = ('inherit', 'levels', 'frozen', 'non_finite')
IMAGE_SIZE = 224


@dataclass(frozen=True)
class Run:
    """One training with its evaluations.

    Args:
        name (str): One of :data:`MAIN` or :data:`CONTROLS`, or that of a method.
        folder (Path): Where everything of this run goes.
        config (Config): Its whole config, which refers to no other config file.
        needs (Run, optional): The run that has to be finished before. Defaults to
            None.
    """

    name: str
    folder: Path
    config: Config
    needs: 'Run | None' = None

    @property
    def seed(self) -> int:
        """int: Seed of the run."""
        return self.config.randomness.seed

    def __str__(self) -> str:
        return f'{self.name.replace("_", " ")}, seed {self.seed}'


def load_configs(
    configs: Path,
    data: CocoFolder,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    image_size: int | None = None,
    options: dict[str, Any] | None = None,
    max_images: tuple[int, int] | None = None,
) -> dict[str, Config]:
    """Read the configs of the runs :data:`MAIN`, and fit them to the data.

    Args:
        configs (Path): Folder of ``{frcnn,mrcnn}_{teacher,student}.py`` and
            ``reviewkd_{frcnn,mrcnn}.py``.
        data (CocoFolder): The data set; Mask R-CNN is used where it has masks.
        epochs (int, optional): Epochs of each run but the teacher's. Defaults to
            None: as configured.
        teacher_epochs (int, optional): Epochs of the teacher's run. Defaults to
            None: as configured.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None: :data:`IMAGE_SIZE`, or the longest side of all
            images where that is less.
        options (dict, optional): Changes by dotted keys, named as in the config
            of the distilled run: ``model.student`` and ``model.teacher`` go to
            the detectors' own runs too, all that is outside of ``model`` goes to
            all runs. Defaults to None.
        max_images (tuple[int, int], optional): Use so many images for training
            and for validation at most. Defaults to None: all.

    Returns:
        dict[str, Config]: The configs by the runs' names.

    Raises:
        JobError: If an option does not exist.
    """
    cfgs = {}
    for name in MAIN:
        cfg = cfgs[name] = _load(configs, name, data)
        _set_data(cfg, data, image_size or min(IMAGE_SIZE, data.max_side), max_images)
        cfg.train_cfg.max_epochs = (
            teacher_epochs if name == 'teacher' else epochs
        ) or cfg.train_cfg.max_epochs
        cfg.merge_from_dict(_options_for(name, cfg, options or {}))
    return cfgs


def plan_runs(
    cfgs: dict[str, Config],
    work_dir: Path,
    seeds: Sequence[int] = (0,),
    controls: bool = False,
) -> list[Run]:
    """List the runs of the job in the order in which they are to be done.

    Args:
        cfgs (dict[str, Config]): See :func:`load_configs`.
        work_dir (Path): The run ``name`` goes to ``seed_N/name`` in there.
        seeds (Sequence[int]): Each run is done once a seed, the teacher too.
            Defaults to (0,).
        controls (bool): Whether to add the runs :data:`CONTROLS`.
            Defaults to False.
    """
    runs = []
    for seed in dict.fromkeys(seeds):
        teacher = _run('teacher', seed, cfgs['teacher'], work_dir)
        runs += [
            teacher,
            _run('student', seed, cfgs['student'], work_dir),
            _run('distilled', seed, cfgs['distilled'], work_dir, teacher),
        ]
        if controls:
            random = _run('random_teacher', seed, cfgs['distilled'], work_dir)
            random.config.model.update(teacher_checkpoint='random', inherit=())
            zero = _run('zero_weight', seed, cfgs['distilled'], work_dir, teacher)
            zero.config.model.distillation.loss_weight = 0.0
            runs += [random, zero]
    return runs


def plan_comparison(
    cfgs: dict[str, Config],
    methods: Sequence[Method],
    work_dir: Path,
    seeds: Sequence[int] = (0,),
) -> list[Run]:
    """List the runs of a comparison: one teacher, and for each seed all the rest.

    Args:
        cfgs (dict[str, Config]): See :func:`load_configs`. The runs of all methods
            are the distilled one, each with its own ``model.distillation``.
        methods (Sequence[Method]): The methods.
        work_dir (Path): The run ``name`` goes to ``seed_N/name`` in there.
        seeds (Sequence[int]): The student is trained once a seed, alone and with
            each method. The teacher's seed is 0. Defaults to (0,).
    """
    teacher = _run('teacher', 0, cfgs['teacher'], work_dir)
    runs = [teacher]
    for seed in dict.fromkeys(seeds):
        runs.append(_run('student', seed, cfgs['student'], work_dir))
        for method in methods:
            run = _run(method.name, seed, cfgs['distilled'], work_dir, teacher)
            run.config.model.distillation = copy.deepcopy(method.distillation)
            run.config.custom_imports.imports.extend(method.imports)
            runs.append(run)
    return runs


def _run(
    name: str, seed: int, cfg: Config, work_dir: Path, teacher: Run | None = None
) -> Run:
    folder = work_dir.resolve() / f'seed_{seed}' / name
    cfg = copy.deepcopy(cfg)
    cfg.randomness = dict(seed=seed)
    cfg.work_dir = str(folder)
    if teacher is not None:
        # MMEngine's name of the last checkpoint.
        file = f'epoch_{teacher.config.train_cfg.max_epochs}.pth'
        cfg.model.teacher_checkpoint = str(teacher.folder / file)
    return Run(name, folder, cfg, teacher)


def _load(configs: Path, name: str, data: CocoFolder) -> Config:
    """Read a run's config, with whole models that have the data's classes."""
    detector = 'mrcnn' if data.has_masks else 'frcnn'
    if name in DETECTORS:
        cfg = Config.fromfile(configs / f'{detector}_{name}.py')
        models = [cfg.model]
    else:
        cfg = Config.fromfile(configs / f'reviewkd_{detector}.py')
        for key in DETECTORS:
            cfg.model[key] = resolve_model_config(cfg.model[key])
        models = [cfg.model[key] for key in DETECTORS]
    for model in models:
        for part in (model, model.get('roi_head') or {}):
            for key in ('bbox_head', 'mask_head'):
                heads = part.get(key) or []
                for head in [heads] if isinstance(heads, dict) else heads:
                    head.num_classes = len(data.classes)
    # MMEngine removes the oldest before it writes the newest.
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
    return cfg


def _set_data(
    cfg: Config,
    data: CocoFolder,
    image_size: int,
    max_images: tuple[int, int] | None,
) -> None:
    limits = max_images or (data.train.images, data.val.images)
    for loader, split, limit in (
        ('train_dataloader', data.train, limits[0]),
        ('val_dataloader', data.val, limits[1]),
        ('test_dataloader', data.val, limits[1]),
    ):
        dataset = cfg[loader].dataset
        while 'dataset' in dataset:  # RepeatDataset and the like
            dataset = dataset.dataset
        dataset.update(
            data_root=f'{data.root}/',
            ann_file=split.ann_file,
            data_prefix=dict(img=split.img_prefix),
            metainfo=dict(classes=data.classes),
        )
        if limit < split.images:
            dataset.indices = limit
        for transform in dataset.pipeline:
            if transform.type == 'LoadAnnotations':
                transform.with_mask = data.has_masks
            if transform.type == 'Resize':
                transform.scale = (image_size, image_size)
    cfg.data_root = f'{data.root}/'
    for key in ('val_evaluator', 'test_evaluator'):
        cfg[key].ann_file = str(data.root / data.val.ann_file)
        cfg[key].metric = ['bbox', 'segm'] if data.has_masks else ['bbox']


def _options_for(name: str, cfg: Config, options: dict[str, Any]) -> dict[str, Any]:
    """Pick the options that concern a run, under the names of its own config."""
    own = {}
    known = {*cfg, *inspect.signature(Runner).parameters}
    for key, value in options.items():
        first, _, rest = key.partition('.')
        if first not in known or first == 'cfg':
            raise JobError(f'--cfg-options {key}: no config has the field {first}')
        if first != 'model':
            own[key] = value
            continue
        part, _, field = rest.partition('.')
        if rest not in MODEL_FIELDS and (part not in MODEL_PARTS or not field):
            parts = [f'model.{part}.…' for part in MODEL_PARTS]
            parts += [f'model.{field}' for field in MODEL_FIELDS]
            raise JobError(f'--cfg-options {key}: write one of {", ".join(parts)}')
        if name not in DETECTORS:
            own[key] = value
        elif part == name:
            own[f'model.{field}'] = value
    return own
