"""Times and memory of the parts of a distillation step."""

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import Tensor

from mmreviewkd.estimate.cards import Card
from mmreviewkd.estimate.counts import count
from mmreviewkd.estimate.estimate import seconds as seconds_on
from mmreviewkd.features.measure import run_trunk
from mmreviewkd.methods import Batch
from mmreviewkd.model_config import (
    build_model,
    model_of_run,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.precision import autocast
from mmreviewkd.tables import markdown

from .profile import profile
from .step import Step, build_models, make_batch, make_optimizer
from .textbook import TextbookForm
from .variants import change, compile_student

PARTS = {
    'student step': 'training step of the student alone',
    'teacher': 'forward pass of the teacher',
    'connector and loss': 'both, forward and backward',
    'distilled step': 'training step with the teacher',
}
FORMS = {
    'textbook step': 'the same by the textbook, with the whole teacher as it is',
    'two forwards step': "the same with the teacher's heads and losses too",
}


@dataclass(frozen=True)
class Setting:
    """How a step is taken, and what is measured beside its parts.

    Args:
        amp (torch.dtype, optional): Mixed precision. Defaults to None: float32.
        channels_last (bool): Whether student, teacher and review have the channels
            last in memory; the product's teacher has them so anyway. Defaults to False.
        compiled (bool): Whether backbones, necks and review are compiled, those of the
            student alone too. Defaults to False.
        forms (bool): Whether :data:`FORMS` are measured too. Defaults to False.
        variants (Sequence[str]): Changes of the distilled model to measure too, see
            :func:`change`. Defaults to ().
        card (Card, optional): The device's rates, for the floor. Defaults to None: no
            floor.
    """

    amp: torch.dtype | None = None
    channels_last: bool = False
    compiled: bool = False
    forms: bool = False
    variants: Sequence[str] = ()
    card: Card | None = None


def benchmark(
    cfg: Config,
    size: tuple[int, int] = (800, 1344),
    batch_size: int = 1,
    rounds: int = 5,
    warmup: int = 1,
    objects: int = 10,
    say: Callable[[str], Any] = print,
    setting: Setting = Setting(),  # noqa: B008  it is frozen
) -> dict[str, dict]:
    """Measure the parts of a distillation step in turns.

    Weights are random, teacher's included, and so are images and boxes; times do not
    depend on them but through number and size of the proposals, for which the student
    has the same weights alone and distilled. The images are on the device.

    Args:
        cfg (Config): Config of a distillation run.
        size (tuple[int, int]): Height and width of the images. Defaults to
            (800, 1344).
        batch_size (int): Images in a step. Defaults to 1.
        rounds (int): How often each part is measured. Defaults to 5.
        warmup (int): Rounds before that. Defaults to 1.
        objects (int): Boxes in each image. Defaults to 10.
        say (Callable): Is told how far it is. Defaults to print.
        setting (Setting): How it is done. Defaults to Setting().

    Returns:
        dict: For each of :data:`PARTS`, and what the setting adds, ``seconds``
        (median), ``spread`` (half the distance of the quartiles), ``values``, ``ratio``
        to the student's step, ``peak_mib``: memory beyond what is held before,
        ``operators``, ``launches`` and ``busy``: see :class:`Profile`; ``idle``, the
        share of its time in which a GPU has nothing to do; ``loss``, the distillation's
        in a step, which all forms have to share; and ``flops``, ``nbytes`` and
        ``floor`` where they are counted: seconds that the card needs if each operator
        runs at its published rate.
    """
    init_default_scope(cfg.get('default_scope') or 'mmdet')
    device = torch.device(get_device())
    torch.manual_seed(0)
    np.random.seed(0)
    runs, floors = _prepare(cfg, size, batch_size, objects, device, setting)
    values: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(warmup + rounds):
        for name, run in runs.items():
            seconds = _time(run, device)
            if number >= warmup:
                values[name].append(seconds)
        say(f'round {number + 1} of {warmup + rounds} (warm-up: {warmup})')
    base = statistics.median(values['student step'])
    result = {}
    for name, seconds in values.items():
        median = statistics.median(seconds)
        low, _, high = (
            statistics.quantiles(seconds) if len(seconds) > 1 else (median,) * 3
        )
        seen = profile(runs[name], device)
        result[name] = dict(
            seconds=median,
            spread=(high - low) / 2,
            values=seconds,
            ratio=median / base,
            peak_mib=seen.peak_mib,
            operators=seen.operators,
            launches=seen.launches,
            busy=seen.busy,
            idle=max(0.0, 1 - seen.busy / median) if seen.launches else 0.0,
            loss=_distillation_loss(runs[name]),
            **floors.get(name, {}),
        )
    return result


def table(result: dict[str, dict]) -> str:
    """Write the result of :func:`benchmark` as Markdown."""
    heads = ['part', 'ms', 'spread', 'to the student alone', 'peak memory, MiB']
    on_gpu = any(row['launches'] for row in result.values())
    floors = any('floor' in row for row in result.values())
    heads += ['launches', 'idle'] * on_gpu + ['floor, ms', 'time / floor'] * floors
    rows = [[*heads, 'loss']]
    known = PARTS | FORMS
    for name, row in result.items():
        cells = [f'{1e3 * row["seconds"]:.1f}', f'± {1e3 * row["spread"]:.1f}']
        cells += [f'{row["ratio"]:.2f}', f'{row["peak_mib"]:.0f}']
        if on_gpu:
            cells += [str(row['launches']), f'{row["idle"]:.0%}']
        if floors:
            floor = row.get('floor')
            cells += [f'{1e3 * floor:.2f}'] if floor else ['']
            cells += [f'{row["seconds"] / floor:.1f}'] if floor else ['']
        loss = row['loss']
        cells.append('' if loss is None else f'{loss:.4f}')
        rows.append([f'{name}: {known[name]}' if name in known else name, *cells])
    return markdown(rows)


Runs = dict[str, Callable[[], Any]]


def _prepare(
    cfg: Config,
    size: tuple[int, int],
    batch_size: int,
    objects: int,
    device: torch.device,
    setting: Setting,
) -> tuple[Runs, dict[str, dict]]:
    """Build what is measured; also return the floors, by part."""
    student: Any
    distilled: Any
    student, distilled = build_models(model_of_run(cfg))
    models = {'student step': student, 'distilled step': distilled}
    if setting.forms:
        models |= _forms(cfg, student, distilled)
    for names in setting.variants:
        models[f'distilled step, {names}'] = varied = build_models(model_of_run(cfg))[1]
        varied.load_state_dict(distilled.state_dict())
    for model in models.values():
        _place(model, device, setting)
    for names in setting.variants:
        change(models[f'distilled step, {names}'], names, setting.amp)
    data = student.data_preprocessor.cast_data(
        make_batch(student, size, batch_size, objects)
    )
    steps = {
        name: Step(model, make_optimizer(model), data, setting.amp)
        for name, model in models.items()
    }
    parts = _parts(distilled, data, setting.amp)
    floors = _floors(parts, setting.card) if setting.card else {}
    if setting.compiled:
        torch.compiler.reset()
        for model in (student, distilled):
            compile_student(model)
        change(distilled, 'teacher-compiled+review-compiled')
    runs = {name: (steps | parts)[name] for name in PARTS}
    return runs | steps, floors


def _forms(cfg: Config, student: Any, distilled: Any) -> dict[str, Any]:
    """What the product is compared with, with the same weights."""
    config = without_pretrained(resolve_model_config(cfg.model.teacher))
    teacher: Any = build_model(config)
    # As the product's teacher is built, before it is made faster.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = distilled.teacher._build_model(config)
    teacher.load_state_dict(trunk.state_dict(), strict=False)
    textbook = TextbookForm(copy.deepcopy(student), teacher, distilled)
    two_forwards = copy.copy(textbook)
    two_forwards.whole = True
    return dict(zip(FORMS, (textbook, two_forwards), strict=True))


def _place(model: Any, device: torch.device, setting: Setting) -> None:
    model.to(device)
    if isinstance(model, TextbookForm):
        # By their own method, which tells their preprocessors.
        model.student.to(device)
        model.teacher.to(device)
    if setting.channels_last:
        model.to(memory_format=torch.channels_last)


def _parts(distilled: Any, data: dict, amp: torch.dtype | None) -> Runs:
    """The teacher, and connector and loss, each by itself."""
    batch = distilled.data_preprocessor(data, training=True)
    device = batch['inputs'].device

    def teach() -> tuple[Tensor, ...]:
        with autocast(device, amp):
            return distilled.teacher(
                batch['inputs'], batch.get('data_samples'), distilled.data_preprocessor
            )

    (distillation,) = distilled.distillation
    with autocast(device, amp):
        ready = _compared(distilled, batch['inputs'], teach())
    learned = [*ready.feats, *distillation.parameters()]

    def review() -> None:
        with autocast(device, amp):
            loss = distillation(ready)['loss']
        loss.backward()
        for tensor in learned:
            tensor.grad = None

    return {'teacher': teach, 'connector and loss': review}


@torch.no_grad()
def _compared(distilled: Any, images: Tensor, theirs: tuple[Tensor, ...]) -> Batch:
    """The maps of student and teacher that are compared, as leaves of the graph."""
    (lesson,) = distilled.lessons
    with distilled._recorder as recorder:
        run_trunk(distilled, images)
    ours = recorder.features(lesson.pairs.student)
    feats, targets = lesson.pairs.pick(ours, theirs, images.shape[2:])
    feats = tuple(feat.clone().requires_grad_() for feat in feats)
    return Batch(feats, targets, images, [], distilled, lesson.teacher)


def _floors(parts: Runs, card: Card) -> dict[str, dict]:
    """What the parts have to compute and to move, and the least time for that."""
    ideal = replace(card, efficiency=(1.0, 1.0))
    floors = {}
    for name, run in parts.items():
        counts = count(run, [])
        floors[name] = dict(
            flops=counts.flops, nbytes=counts.nbytes, floor=seconds_on(counts, ideal)
        )
    return floors


def _distillation_loss(run: Callable[[], Any]) -> float | None:
    value = run.log.get('loss_distill') if isinstance(run, Step) else None
    return None if value is None else value.item()


def _time(run: Callable[[], Any], device: torch.device) -> float:
    if device.type != 'cuda':
        begin = time.perf_counter()
        run()
        return time.perf_counter() - begin
    torch.cuda.synchronize(device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3
