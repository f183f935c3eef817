"""Training a classifier with several seeds at once, with the data on the device."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, init_default_scope
from torch import Tensor

from mmreviewkd.config_file import read_written_config
from mmreviewkd.errors import UsageError
from mmreviewkd.files import read_json, write_checkpoint, write_json, write_text
from mmreviewkd.model_config import build_model, is_distilled, model_of_run
from mmreviewkd.report.differences import describe_changes

from .accuracy import ranks
from .recipe import check_recipe, milestones, strength

RESULTS = 'results.json'
_CONFIG = 'config.py'
# Steps before a step is captured: libraries choose their algorithms in them.
_EAGER = 3


def train_seeds(
    cfg: Config,
    seeds: Sequence[int],
    work_dir: Path,
    minutes: float = float('inf'),
    say: Callable[[str], Any] = print,
) -> bool:
    """Train a classifier of a config once with each of some seeds, all at once.

    The recipe is that of the config's runner, but for three things: the last images of
    an epoch, which fill no batch, are left out; a teacher runs from the first step on,
    also where its weight is 0; nothing is checked or logged within an epoch. On a GPU
    each seed has its own stream, on which it replays its step as a CUDA graph. That
    part has not been tried on a GPU yet. What else a config may ask for, such as
    clipped gradients or mixed precision, is refused.

    Started again, each seed goes on after its last evaluation, and other seeds can be
    added. ``seed_N.pth`` holds the weights of a seed and all that it needs to go on,
    ``results.json`` the top-1 accuracy of each seed by epoch, ``config.py`` the config.

    Args:
        cfg (Config): Config of a classifier, or of its distillation, on
            :class:`CIFAR100Images`, with the scheduler ``MultiStepLR``.
        seeds (Sequence[int]): The seeds.
        work_dir (Path): Where it writes.
        minutes (float): When to stop at the next epoch. Defaults to infinity.
        say (Callable): Is told the accuracies. Defaults to print.

    Returns:
        bool: Whether all epochs are done.

    Raises:
        UsageError: If the config is of another kind, or asks for what is not done, or
            if the seeds that are already there were trained by another one.
        RuntimeError: If a loss is not finite.
    """
    begin = time.monotonic()
    check_recipe(cfg)
    _refuse_other_config(work_dir, cfg, say)
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    device = torch.device(get_device())
    torch.backends.cudnn.benchmark = cfg.get('env_cfg', {}).get(
        'cudnn_benchmark', False
    )
    data = {part: _on(device, cfg[f'{part}_dataloader']) for part in ('train', 'val')}
    runs = [_Run(cfg, seed, data['train'], device) for seed in seeds]
    work_dir.mkdir(parents=True, exist_ok=True)
    write_text(work_dir / _CONFIG, cfg.pretty_text)
    results = _former_results(work_dir)
    for run in runs:
        run.resume(work_dir)
    last, interval = cfg.train_cfg.max_epochs, cfg.train_cfg.get('val_interval', 1)
    for epoch in range(min(run.done for run in runs), last):
        active = [run for run in runs if run.done <= epoch]
        for run in active:
            run.begin(epoch)
        for number in range(runs[0].steps):
            for run in active:
                run.step(epoch, number)
        losses = [run.mean_loss() for run in active]
        late = time.monotonic() - begin > 60 * minutes
        if (epoch + 1) % interval and epoch + 1 < last and not late:
            continue
        for run in active:
            run.found[str(epoch + 1)] = run.accuracy(*data['val'])
            run.save(work_dir, epoch + 1)
        results |= {str(run.seed): run.found for run in runs}
        write_json(work_dir / RESULTS, results)
        top = ', '.join(f'{run.found[str(epoch + 1)]:.2f}' for run in active)
        spent = (time.monotonic() - begin) / 60
        say(
            f'epoch {epoch + 1} of {last}: top-1 {top}; loss '
            f'{sum(losses) / len(losses):.3f}; {spent:.1f} min'
        )
        if late and epoch + 1 < last:
            say('out of time; the same command goes on from here')
            return False
    return True


def _refuse_other_config(
    work_dir: Path, cfg: Config, say: Callable[[str], Any]
) -> None:
    """Compare the config with that of the seeds that are already there."""
    if not any(work_dir.glob('seed_*.pth')):
        return
    path = work_dir / _CONFIG
    if not path.is_file():
        say(
            f'warning: {work_dir} has seeds of a former version, which kept no '
            f'{_CONFIG}; their config is taken to be this one'
        )
        return
    changes = describe_changes(read_written_config(path).to_dict(), cfg.to_dict())
    if changes:
        raise UsageError(
            f'{work_dir} was begun with another config:\n{changes}\n'
            'Take the former one, or another --work-dir.'
        )


def _former_results(work_dir: Path) -> dict[str, dict[str, float]]:
    """Read the accuracies of seeds of former calls."""
    path = work_dir / RESULTS
    found = read_json(path) if path.is_file() else {}
    return {
        seed: one
        for seed, one in found.items()
        if (work_dir / f'seed_{seed}.pth').is_file()
    }


class _Run:
    """The training of one seed."""

    def __init__(
        self, cfg: Config, seed: int, data: tuple[Tensor, Tensor], device: torch.device
    ) -> None:
        self.seed, self.device = seed, device
        self.done = 0
        self.found: dict[str, float] = {}
        self._images, self._labels = data
        self._batch = min(cfg.train_dataloader.batch_size, len(self._labels))
        self.steps = len(self._labels) // self._batch
        self._milestones, self._gamma = milestones(cfg, self.steps)
        self._strength_at = strength(cfg, self.steps)
        torch.manual_seed(seed)
        model = model_of_run(cfg)
        if is_distilled(model):
            # To look at the losses would make the host wait, which no graph can hold.
            model['non_finite'] = 'ignore'
        built: Any = build_model(model)
        built.init_weights()
        self.model: Any = built.to(device).train()
        self.optimizer = build_optim_wrapper(self.model, cfg.optim_wrapper).optimizer
        # Parts of a model may have rates of their own.
        self._rates = [group['lr'] for group in self.optimizer.param_groups]
        self._strength = torch.zeros((), device=device)
        self._total = torch.zeros((), device=device)
        self._stream = torch.cuda.Stream() if device.type == 'cuda' else None
        self._graph: Any = None
        self._eager = 0

    def resume(self, work_dir: Path) -> None:
        """Go on from where this seed was saved, if it was."""
        path = work_dir / f'seed_{self.seed}.pth'
        if path.is_file():
            state = torch.load(path, map_location='cpu', weights_only=True)
            self.model.load_state_dict(state['state_dict'])
            self.optimizer.load_state_dict(state['optimizer'])
            self.done, self.found = state['epoch'], state['accuracy']

    def save(self, work_dir: Path, epoch: int) -> None:
        """Write all that is needed to go on after an epoch."""
        state = dict(
            state_dict=self.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            epoch=epoch,
            accuracy=self.found,
        )
        write_checkpoint(work_dir / f'seed_{self.seed}.pth', state)

    def begin(self, epoch: int) -> None:
        """Shuffle and augment all images for an epoch."""
        self._wait()
        with torch.random.fork_rng(devices=[]), self._on_stream():
            # So that an epoch does not depend on those before.
            torch.manual_seed(100_003 * self.seed + epoch)
            order = torch.randperm(len(self._labels))[: self.steps * self._batch]
            order = order.to(self.device)
            images, self._targets = self._images[order], self._labels[order]
            prepared = self.model.data_preprocessor(
                dict(inputs=images, data_samples=self._targets), training=True
            )
            self._inputs = prepared['inputs']
            if not hasattr(self, '_given'):
                # Where a graph looks for its images.
                self._given = self._inputs[: self._batch].clone()
                self._wanted = self._targets[: self._batch].clone()
            self._total.zero_()

    def step(self, epoch: int, number: int) -> None:
        """Take a step."""
        part = slice(number * self._batch, (number + 1) * self._batch)
        done = epoch * self.steps + number
        self._set_rates(self._gamma ** sum(done >= one for one in self._milestones))
        with self._on_stream():
            self._given.copy_(self._inputs[part])
            self._wanted.copy_(self._targets[part])
            self._strength.fill_(self._strength_at(done))
            if self._graph is not None:
                self._graph.replay()
                return
            self._step()
        self._eager += 1
        if self._stream is not None and self._eager >= _EAGER:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._step()

    def _set_rates(self, factor: float) -> None:
        rates = [factor * rate for rate in self._rates]
        groups = self.optimizer.param_groups
        if rates == [group['lr'] for group in groups]:
            return
        for group, rate in zip(groups, rates, strict=True):
            group['lr'] = rate
        # A graph keeps the learning rates with which it was captured.
        self._wait()
        self._graph, self._eager = None, 0

    def _step(self) -> None:
        self.optimizer.zero_grad()
        losses = self.model(self._given, self._wanted, mode='loss')
        loss = sum(
            self._strength * value if name.startswith('loss_distill') else value
            for name, value in losses.items()
            if 'loss' in name
        )
        loss.backward()
        self.optimizer.step()
        self._total += loss.detach()

    def mean_loss(self) -> float:
        """Return the mean loss of the epoch, which has to be finite."""
        self._wait()
        loss = self._total.item() / self.steps
        if not loss < float('inf'):
            raise RuntimeError(f'seed {self.seed}: the loss is not finite')
        return loss

    @torch.no_grad()
    def accuracy(self, images: Tensor, labels: Tensor, batch: int = 500) -> float:
        """Compute the top-1 accuracy, in percent."""
        self.model.eval()
        right = 0
        for first in range(0, len(labels), batch):
            part = slice(first, first + batch)
            given = self.model.data_preprocessor(
                dict(inputs=images[part], data_samples=labels[part])
            )
            scores = self.model(given['inputs'], mode='tensor')
            right += int((ranks(scores.float(), labels[part]) == 0).sum())
        self.model.train()
        return 100 * right / len(labels)

    def _wait(self) -> None:
        if self._stream is not None:
            torch.cuda.synchronize()

    def _on_stream(self) -> AbstractContextManager:
        return torch.cuda.stream(self._stream) if self._stream else nullcontext()


def _on(device: torch.device, loader: dict) -> tuple[Tensor, Tensor]:
    """All images and labels of a data set, on a device."""
    data = DATASETS.build(loader['dataset'])
    images, labels = (getattr(data, name, None) for name in ('images', 'labels'))
    if not isinstance(images, Tensor):
        raise UsageError(
            f'{type(data).__name__} does not keep its images in memory; several seeds '
            'at once are for CIFAR100Images, take tools/train.py'
        )
    return images.to(device), torch.as_tensor(labels).to(device)
