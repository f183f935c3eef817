"""Which runs a job consists of, each with its whole config."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine.config import Config

from mmreviewkd.datasets import add_unlabeled
from mmreviewkd.errors import UsageError

from .errors import JobError
from .method import AS_CONFIGURED, Method, Unlabeled


@dataclass(frozen=True)
class Run:
    """One training with its evaluations.

    Args:
        name (str): ``'teacher'``, ``'student'`` or a method's name.
        folder (Path): Where everything of this run goes.
        config (Config): Its whole config, which refers to no other config file.
        needs (Run, optional): The run that has to be finished before. Defaults to
            None.
        checkpoint (str, optional): Trained weights: the run only measures them.
            Defaults to None.
        pseudo_labels (PseudoLabels, optional): Those that have to be written before.
            Defaults to None.
    """

    name: str
    folder: Path
    config: Config
    needs: 'Run | None' = None
    checkpoint: str | None = None
    pseudo_labels: 'PseudoLabels | None' = None

    @property
    def seed(self) -> int:
        """int: Seed of the run."""
        return self.config.randomness.seed

    def __str__(self) -> str:
        return f'{self.name}, seed {self.seed}'


@dataclass(frozen=True)
class PseudoLabels:
    """A teacher's predictions on unlabelled images, which serve as annotations.

    Args:
        path (Path): Their annotation file.
        teacher (Run): The run of the teacher.
        folder (str): The folder of the images.
        threshold (float): Lowest score of a prediction.
    """

    path: Path
    teacher: Run
    folder: str
    threshold: float


def plan_runs(
    cfgs: dict[str, Config],
    work_dir: Path,
    methods: Sequence[Method] = (AS_CONFIGURED,),
    seeds: Sequence[int] = (0,),
    one_teacher: bool = False,
) -> list[Run]:
    """List the runs of a job in the order in which they are to be done.

    Args:
        cfgs (dict[str, Config]): See :func:`load_configs`. A teacher that is trained
            already is measured once; without its config it has no run.
        work_dir (Path): The run ``name`` goes to ``seed_N/name`` in there.
        methods (Sequence[Method]): The ways to distil the student. Defaults to the
            configured one alone.
        seeds (Sequence[int]): The student is trained once a seed, alone and with
            each method. Defaults to (0,).
        one_teacher (bool): Whether all students have one teacher, of seed 0, instead
            of one for each seed. Defaults to False.

    Raises:
        JobError: If unlabelled images cannot be added.
    """
    runs: list[Run] = []
    given = cfgs['distilled'].model.get('teacher_checkpoint')
    one_teacher = one_teacher or bool(given)
    teacher = None
    for seed in dict.fromkeys(seeds):
        if 'teacher' in cfgs and (teacher is None or not one_teacher):
            own = 0 if one_teacher else seed
            teacher = _run('teacher', own, cfgs['teacher'], work_dir, given=given)
            runs.append(teacher)
        runs.append(_run('student', seed, cfgs['student'], work_dir))
        for method in methods:
            own_teacher = bool(given) or 'teacher_checkpoint' in method.model
            needs = None if own_teacher else teacher
            run = _run(method.name, seed, cfgs['distilled'], work_dir, needs)
            method.apply(run.config)
            if method.unlabeled is not None:
                run = _add_images(run, method.unlabeled, teacher)
            runs.append(run)
    return runs


def _add_images(run: Run, more: Unlabeled, teacher: Run | None) -> Run:
    folder = str(Path(more.folder).resolve())
    labels = path = None
    if more.threshold is not None:
        if teacher is None:
            raise JobError(
                '--pseudo-labels: the teacher does not know the classes of the data; '
                'leave it out, since --unlabeled alone needs no classes, or train the '
                'teacher on the data: --train-teacher'
            )
        # The name tells the threshold: with another one it is another file.
        path = teacher.folder / f'pseudo_labels_{more.threshold}.json'
        labels = PseudoLabels(path, teacher, folder, more.threshold)
    try:
        add_unlabeled(run.config, folder, pseudo_labels=path)
    except UsageError as error:
        raise JobError(f'--unlabeled {more.folder}: {error}') from error
    return replace(run, pseudo_labels=labels)


def _run(
    name: str,
    seed: int,
    cfg: Config,
    work_dir: Path,
    teacher: Run | None = None,
    given: str | None = None,
) -> Run:
    folder = work_dir.resolve() / f'seed_{seed}' / name
    cfg = copy.deepcopy(cfg)
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    cfg.work_dir = str(folder)
    if teacher is not None:
        # MMEngine's name of the last checkpoint, unless training is ended early.
        file = f'epoch_{teacher.config.train_cfg.max_epochs}.pth'
        cfg.model.teacher_checkpoint = str(teacher.folder / file)
    return Run(name, folder, cfg, teacher, given)
