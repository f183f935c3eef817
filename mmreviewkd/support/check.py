"""One job: a student beside stock MMDetection's, a training step and a prediction."""

import copy
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmdet import models  # noqa: F401  here, so that it is not imported in each job
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from mmreviewkd.distillers import build_distilled_model
from mmreviewkd.features import Feature
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)

from .images import make_images
from .jobs import Job, stock_configs
from .reasons import explain

STOCK = 'stock '
"""What the names of the stages begin with that stock MMDetection is alone in."""
REVIEW = dict(
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector'),
    loss=dict(type='HCLLoss'),
)
Report = Callable[..., None]


def check(job: Job, report: Report) -> None:
    """Try a job, and stop where it fails.

    Stock MMDetection's model and the distilled one, of the same weights, see the same
    images with the same seed. The student's own losses have to be equal, at first with
    the distillation's strength at 0, then with the teacher taking part.

    Args:
        job (Job): The job.
        report (Callable): Takes what is found as keywords: ``stage``, before each;
            ``strides``, ``channels`` and the teacher's; ``cause`` and ``reason`` of
            a failure; ``seconds`` of CPU time so far.
    """

    def tell(**found: Any) -> None:
        report(seconds=round(time.process_time(), 1), **found)

    try:
        _check(job, tell)
    except Exception as error:  # of any kind: it is what is looked for
        cause, reason = explain(error)
        tell(cause=cause, reason=reason)


def _check(job: Job, tell: Report) -> None:
    _prepare()
    tell(stage='stock build')
    cfg = model_config(job.student, job.size)
    stock = _build(build_model, cfg)
    with _seeded():
        stock.init_weights()
    state = copy.deepcopy(stock.state_dict())
    tell(stage='build')
    teacher = model_config(job.teacher or job.student, job.size)
    fields = dict(distillation=REVIEW) | job.settings
    model = _build(
        build_distilled_model,
        student=cfg,
        teacher=teacher,
        teacher_checkpoint='random',
        **fields,
    )
    model.init_weights()
    model.load_state_dict(state)
    pairs = model.lessons[0].pairs
    tell(**_levels('', pairs.own), **_levels('teacher_', pairs.others))
    data = make_images(cfg, job.size)
    for strength in (0, 1):
        tell(stage='stock training step')
        expected = own_losses(_losses(stock, data))
        if not all(map(math.isfinite, sum(expected.values(), []))):
            raise ValueError(f'the losses are not finite: {expected}')
        tell(stage='training step')
        model.distill_strength = strength
        losses = _losses(model, data)
        _compare(own_losses(losses), expected)
    model.parse_losses(losses)[0].backward()
    for name, parameter in model.distillation.named_parameters():
        if parameter.grad is None:
            raise ValueError(f'distillation.{name} has no gradient')
    # Guided anchoring predicts for one image at a time.
    first = {key: value[:1] for key, value in data.items()}
    for prefix, one in {STOCK: stock, '': model}.items():
        tell(stage=f'{prefix}prediction')
        one.eval()
        with torch.no_grad():
            one.test_step(copy.deepcopy(first))
    tell(stage='done')


def _compare(losses: dict, expected: dict) -> None:
    if losses != expected:
        raise ValueError(
            f"the student's losses {losses} are not those of MMDetection, {expected}"
        )


def _prepare() -> None:
    torch.set_num_threads(1)
    init_default_scope('mmdet')
    MMLogger.get_instance('support', log_level='ERROR')
    # What a runner tells to heads and to augmentations of batches.
    hub = MessageHub.get_instance('support')
    for key, value in dict(iter=0, epoch=0, max_iters=1000, max_epochs=10).items():
        hub.update_info(key, value)


def model_config(name: str | dict, size: tuple[int, int]) -> ConfigDict:
    """Read a model's config, with nothing to download, for few small images."""
    if isinstance(name, str):
        # By path: MMEngine takes no name `mmdet::` of some folders, such as gn+ws.
        name = str(stock_configs() / name)
    cfg = without_pretrained(resolve_model_config(name))
    return ConfigDict(_made_local(cfg.to_dict(), size))


def _made_local(part: Any, size: tuple[int, int]) -> Any:
    if isinstance(part, list | tuple):
        return type(part)(_made_local(one, size) for one in part)
    if not isinstance(part, dict):
        return part
    part = {key: _made_local(value, size) for key, value in part.items()}
    if part.get('type') == 'BatchFixedSizePad':
        part['size'] = size
    # A thousand proposals would take most of the time.
    if part.get('max_per_img') in (1000, 2000):
        part['max_per_img'] = 100
    # It saves memory, by means of fairscale.
    if part.get('num_cp'):
        part['num_cp'] = 0
    # Detectors with a teacher of their own, LD and LAD.
    if part.get('teacher_ckpt'):
        part['teacher_ckpt'] = None
    own = str(part.get('teacher_config', ''))
    if own.startswith('configs/'):
        part['teacher_config'] = str(stock_configs() / own.removeprefix('configs/'))
    return part


def _build(build: Callable, *args: Any, **kwargs: Any) -> BaseModel:
    with _seeded():
        return build(*copy.deepcopy(args), **copy.deepcopy(kwargs))


def _losses(model: BaseModel, data: dict) -> dict:
    model.train()
    with _seeded():
        batch = model.data_preprocessor(copy.deepcopy(data), True)
        return model(**batch, mode='loss')


@contextmanager
def _seeded() -> Iterator[None]:
    """Start all generators of random numbers anew."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield


def own_losses(losses: dict) -> dict[str, list[float]]:
    """Give the student's own losses as numbers."""
    return {
        name: [float(one.detach().mean()) for one in _listed(value)]
        for name, value in losses.items()
        if not name.startswith(('loss_distill', 'distill_'))
    }


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _levels(prefix: str, features: list[Feature]) -> dict[str, str]:
    strides = [one.stride or '-' for one in features]
    channels = [one.channels for one in features]
    return {
        f'{prefix}strides': ' '.join(map(str, strides)),
        f'{prefix}channels': ' '.join(map(str, channels)),
    }
