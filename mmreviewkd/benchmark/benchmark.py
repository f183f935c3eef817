"""Times and memory of the parts of a distillation step."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmreviewkd.classification.random_batch import random_batch
from mmreviewkd.distillers import students_own
from mmreviewkd.features.measure import run_trunk
from mmreviewkd.methods import Batch
from mmreviewkd.methods.classifiers import is_classifier
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.tables import markdown

from .profile import profile

PARTS = {
    'student step': 'training step of the student alone',
    'teacher': 'forward pass of the teacher',
    'connector and loss': 'both, forward and backward',
    'distilled step': 'training step with the teacher',
}


def benchmark(
    cfg: Config,
    size: tuple[int, int] = (800, 1344),
    batch_size: int = 1,
    rounds: int = 5,
    warmup: int = 1,
    objects: int = 10,
    say: Callable[[str], Any] = print,
) -> dict[str, dict]:
    """Measure the parts of a distillation step in turns.

    Weights are random, teacher's included, and so are images and boxes; times do not
    depend on them but through number and size of the proposals, for which the student
    has the same weights alone and distilled.

    Args:
        cfg (Config): Config of a distillation run.
        size (tuple[int, int]): Height and width of the images. Defaults to
            (800, 1344).
        batch_size (int): Images in a step. Defaults to 1.
        rounds (int): How often each part is measured. Defaults to 5.
        warmup (int): Rounds before that. Defaults to 1.
        objects (int): Boxes in each image. Defaults to 10.
        say (Callable): Is told how far it is. Defaults to print.

    Returns:
        dict: For each of :data:`PARTS` ``seconds`` (median), ``spread`` (half the
        distance of the quartiles), ``values``, ``ratio`` to the student's step,
        ``peak_mib``: memory beyond what is held before, and ``operators``: see
        :func:`profile`.
    """
    init_default_scope('mmdet')
    device = torch.device(get_device())
    torch.manual_seed(0)
    np.random.seed(0)
    student, distilled = (model.to(device) for model in _build(cfg.model))
    data = _batch(student, size, batch_size, objects)
    runs = _parts(student, distilled, data)
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
        peak, operators = profile(runs[name], device)
        result[name] = dict(
            seconds=median,
            spread=(high - low) / 2,
            values=seconds,
            ratio=median / base,
            peak_mib=peak,
            operators=operators,
        )
    return result


def _build(cfg: ConfigDict) -> tuple[nn.Module, nn.Module]:
    """Build the student alone, and the distilled one."""
    student_cfg = without_pretrained(resolve_model_config(cfg.student))
    teacher_cfg = without_pretrained(resolve_model_config(cfg.teacher))
    distilled: Any = build_model(
        ConfigDict(
            cfg,
            student=student_cfg,
            teacher=teacher_cfg,
            teacher_checkpoint='random',
            inherit=(),
        )
    )
    distilled.init_weights()
    student: Any = build_model(student_cfg)
    # Then both have the same proposals, and pooling larger ones takes longer.
    student.load_state_dict(students_own(distilled.state_dict()))
    return student.train(), distilled.train()


def table(result: dict[str, dict]) -> str:
    """Write the result of :func:`benchmark` as Markdown."""
    rows = [['part', 'seconds', 'spread', 'to the student alone', 'peak memory, MiB']]
    for name, row in result.items():
        times = [f'{row["seconds"]:.3f}', f'± {row["spread"]:.3f}']
        numbers = [f'{row["ratio"]:.2f}', f'{row["peak_mib"]:.0f}']
        rows.append([f'{name}: {PARTS[name]}', *times, *numbers])
    return markdown(rows)


def _batch(
    student: nn.Module,
    size: tuple[int, int],
    batch_size: int,
    objects: int,
) -> dict:
    if is_classifier(student):
        return random_batch(batch_size, size)
    height, width = size
    rng = np.random.default_rng(0)
    inputs, samples = [], []
    for _ in range(batch_size):
        inputs.append(
            torch.from_numpy(rng.integers(0, 256, (3, height, width), dtype=np.uint8))
        )
        corners = rng.uniform(0, 0.7, (objects, 2)) * (width, height)
        sides = rng.uniform(0.05, 0.3, (objects, 2)) * (width, height)
        boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
        instances = InstanceData(
            bboxes=torch.from_numpy(boxes), labels=torch.zeros(objects).long()
        )
        if student.with_mask:
            masks = np.zeros((objects, height, width), np.uint8)
            for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
                mask[y1:y2, x1:x2] = 1
            instances.masks = BitmapMasks(masks, height, width)
        sample = DetDataSample(gt_instances=instances)
        sample.set_metainfo(
            dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
        )
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def _parts(student: Any, distilled: Any, data: dict) -> dict[str, Callable[[], None]]:
    optimizers = {
        id(model): torch.optim.SGD(
            [p for p in model.parameters() if p.requires_grad], lr=0.0
        )
        for model in (student, distilled)
    }

    def step(model: Any) -> None:
        batch = model.data_preprocessor(data, training=True)
        loss, _ = model.parse_losses(model(**batch, mode='loss'))
        loss.backward()
        optimizers[id(model)].step()
        optimizers[id(model)].zero_grad()

    batch = distilled.data_preprocessor(data, training=True)

    def teach() -> tuple[Tensor, ...]:
        return distilled.teacher(
            batch['inputs'], batch['data_samples'], distilled.data_preprocessor
        )

    (distillation,) = distilled.distillation
    ready = _compared(distilled, batch['inputs'], teach())
    learned = [*ready.feats, *distillation.parameters()]

    def review() -> None:
        distillation(ready)['loss'].backward()
        for tensor in learned:
            tensor.grad = None

    return {
        'student step': lambda: step(student),
        'teacher': teach,
        'connector and loss': review,
        'distilled step': lambda: step(distilled),
    }


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


def _time(run: Callable[[], Any], device: torch.device) -> float:
    _synchronize(device)
    start = time.perf_counter()
    run()
    _synchronize(device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
