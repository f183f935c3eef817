"""The work behind ``tools/estimate.py``."""

import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import nn

from mmreviewkd.benchmark.step import (
    build_models,
    make_batch,
    make_optimizer,
    take_step,
)
from mmreviewkd.config_file import read_config
from mmreviewkd.model_config import model_of_run
from mmreviewkd.tables import markdown

from .cards import HERE, Card, find_card
from .counts import Counts, count
from .estimate import estimate, seconds


def run(args: Namespace) -> None:
    """Print a table, a row for each config and model.

    Raises:
        UsageError: If the card is not known.
    """
    MMLogger.get_instance('estimate', log_level='WARNING')
    card: Any = find_card(args.gpu)
    heads = ['config', 'model', 'GFLOP an image', 'GB an image', 'ms a step']
    heads += ['images a second', 'hours', 'GB of memory', 'MB sent a step', 'limit']
    rows = [heads]
    for path in args.configs:
        rows += [[Path(path).stem, *row] for row in _rows(path, card, args)]
        print(f'{path}: counted', flush=True)
    precision = 'mixed precision' if args.amp else 'float32'
    print(
        f'\n{args.gpus} x {card.name}, {precision}, {"x".join(map(str, args.size))}\n'
    )
    print(markdown(rows, text_columns=2))


def _rows(path: str, card: Card, args: Namespace) -> list[list[str]]:
    cfg = read_config(path)
    init_default_scope(cfg.get('default_scope') or 'mmdet')
    torch.manual_seed(0)
    if args.amp:
        cfg.model.setdefault('teacher_dtype', 'bfloat16')
    student, distilled = build_models(model_of_run(cfg))
    teacher: Any = distilled
    held = sum(p.nbytes for p in teacher.teacher.parameters())
    batch_size = args.batch or cfg.train_dataloader.batch_size
    rows = []
    for name, model, fixed in (('alone', student, 0), ('distilled', distilled, held)):
        counts, measured = _count(model, args)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        found = estimate(
            counts,
            card,
            args.gpus,
            batch_size,
            args.images,
            args.epochs or cfg.train_cfg.max_epochs,
            trained,
            fixed,
        )
        rows.append(
            [
                name,
                f'{counts.flops / 1e9:.0f}',
                f'{counts.nbytes / 1e9:.1f}',
                f'{1000 * found.step:.0f}',
                f'{found.images_per_second:.1f}',
                f'{found.hours:.1f}',
                f'{found.memory / 1e9:.1f}',
                f'{found.exchanged / 1e6:.0f}',
                found.limit,
            ]
        )
        if args.gpu == HERE:
            predicted = seconds(counts, card)
            print(
                f'{name}: {predicted:.2f} s predicted, {measured:.2f} s measured '
                f'({predicted / measured - 1:+.0%})'
            )
    return rows


def _count(model: nn.Module, args: Namespace) -> tuple[Counts, float]:
    """Count a step with one image; where it is this machine's, also time one."""
    data = make_batch(model, tuple(args.size), 1)
    optimizer = make_optimizer(model)

    def step() -> None:
        with torch.autocast('cpu', torch.bfloat16, enabled=args.amp):
            take_step(model, optimizer, data)

    step()  # The first one also tries the teacher's half precision.
    counts = count(step, list(model.parameters()))
    if args.gpu != HERE:
        return counts, 0.0
    times = []
    for _ in range(3):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return counts, min(times)
