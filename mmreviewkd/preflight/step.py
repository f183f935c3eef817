"""One step of training and one of evaluation, set up as a run sets them up."""

import copy
import inspect
import math
import secrets
import tempfile
import time
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook, RuntimeInfoHook
from mmengine.model import BaseModel
from torch.utils.data import DataLoader

from mmreviewkd.distillers import DistillationMixin
from mmreviewkd.hooks.frozen_teacher import check_teacher_classes
from mmreviewkd.model_config import build_model, model_of_run
from mmreviewkd.runner import Runner

from .attempt import attempt
from .findings import Findings


class Cost(NamedTuple):
    """What the steps of a trial took.

    Args:
        model (BaseModel): The model, after the step.
        step_seconds (float): Time of a training step.
        evaluation_seconds (float): Time to predict a batch of the validation set.
        memory (int): The most that the GPU held, in bytes; 0 without a GPU.
    """

    model: BaseModel
    step_seconds: float
    evaluation_seconds: float
    memory: int


def try_a_step(
    cfg: Config,
    loaders: dict[str, DataLoader],
    found: Findings,
    steps: int = 1,
) -> Cost | None:
    """Build what training builds, and take one step of training and of evaluation.

    Nothing of it stays, and no hook is called but the one that tells models how far
    training is, and those of moving averages, which load weights.

    Args:
        cfg (Config): Config of a run.
        loaders (dict[str, DataLoader]): Its data loaders, by name.
        found (Findings): Gets the first problem; what comes after it is not tried.
        steps (int): How many steps of training to take; the last one is timed, since
            the first is often slow. Defaults to 1.

    Returns:
        Cost | None: What the steps took; None where there is a problem.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = _Trial(cfg, loaders, folder, found)
        for what, stage in (
            ('the model cannot be built and initialised', trial.build),
            ('the run cannot be set up', trial.set_up),
            ('the model cannot be built and initialised', trial.initialize),
            ('training cannot begin', trial.begin),
            ('a training step fails', lambda: trial.train(steps)),
            ('an evaluation step fails', trial.evaluate),
        ):
            if not attempt(what, stage, found):
                return None
        return trial.cost()


class _Trial:
    """A run that takes one step."""

    model: BaseModel
    runner: Runner

    def __init__(
        self,
        cfg: Config,
        loaders: dict[str, DataLoader],
        work_dir: str,
        found: Findings,
    ) -> None:
        self._cfg = copy.deepcopy(cfg)
        self._loaders = loaders
        self._work_dir = work_dir
        self._found = found
        self._step_seconds = self._evaluation_seconds = 0.0
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def cost(self) -> Cost:
        """Tell what the steps took."""
        memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
        return Cost(self.model, self._step_seconds, self._evaluation_seconds, memory)

    def build(self) -> None:
        self.model = build_model(model_of_run(self._cfg))

    def set_up(self) -> None:
        """Make a runner, with optimizer, schedules, loops and hooks."""
        cfg = self._cfg
        fields = {
            name: cfg[name]
            for name in inspect.signature(Runner).parameters
            if name in cfg
        }
        # Visualizers of one name are one, and those with backends write to them.
        name = f'preflight_{secrets.token_hex(4)}'
        visualizer = dict(cfg.get('visualizer') or dict(type='Visualizer'))
        fields |= dict(
            model=self.model,
            visualizer=visualizer | dict(name=name, vis_backends=None),
            work_dir=self._work_dir,
            experiment_name=name,
            launcher='none',
            log_level='ERROR',
            resume=False,
            # The runner logs it; laying it out takes a second.
            cfg=Config(cfg.to_dict(), format_python_code=False),
        )
        # Testing comes after training, and has no part in it.
        fields |= dict.fromkeys(('test_dataloader', 'test_cfg', 'test_evaluator'))
        self.runner = runner = Runner(**fields)
        # As in its `train`, but with the data loaders that are built already. The
        # learning rate follows the batch size of a loader's config, which a loader
        # with batches of its own sampler does not know.
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
        for name, loader in self._loaders.items():
            setattr(runner, f'_{name}', loader)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        if runner.param_schedulers is not None:
            runner.param_schedulers = runner.build_param_scheduler(
                runner.param_schedulers
            )
        if runner._val_loop is not None:
            runner._val_loop = runner.build_val_loop(runner._val_loop)

    def initialize(self) -> None:
        """Initialise the weights, and load those of the teacher."""
        self.runner._init_model_weights()

    def begin(self) -> None:
        """Load the weights to start from, and check the teacher's classes."""
        runner = self.runner
        for hook in runner.hooks:
            # It loads the weights to start from too, into a model that it makes here.
            if isinstance(hook, EMAHook):
                hook.before_run(runner)
        runner.load_or_resume()
        if isinstance(self.model, DistillationMixin):
            check_teacher_classes(self.model, runner.train_dataloader.dataset)
        runner.optim_wrapper.initialize_count_status(
            runner.model, runner.iter, runner.max_iters
        )
        # Some preprocessors ask for the iteration.
        hook = RuntimeInfoHook()
        hook.before_run(runner)
        hook.before_train(runner)
        hook.before_train_iter(runner, 0)

    def train(self, steps: int) -> None:
        """Take some training steps."""
        self.runner.model.train()
        for _ in range(steps):
            start = time.perf_counter()
            values = self._step()
            self._step_seconds = time.perf_counter() - start
            wrong = [n for n, value in values.items() if not math.isfinite(value)]
            if wrong:
                self._found.problem(
                    'a training step has losses that are not finite', wrong
                )
            self._found.note(
                'a training step: '
                + ', '.join(f'{name} {value:.3g}' for name, value in values.items())
            )

    def _step(self) -> dict[str, float]:
        runner = self.runner
        data = next(iter(runner.train_dataloader))
        losses = runner.model.train_step(data, optim_wrapper=runner.optim_wrapper)
        return {name: value.item() for name, value in losses.items()}

    def evaluate(self) -> None:
        """Predict a batch of the validation set, and hand it to the metrics."""
        if self.runner._val_loop is None:
            return
        model, loop = self.runner.model, self.runner.val_loop
        model.eval()
        start = time.perf_counter()
        data = next(iter(loop.dataloader))
        with torch.no_grad():
            loop.evaluator.process(data_samples=model.val_step(data), data_batch=data)
        self._evaluation_seconds = time.perf_counter() - start
