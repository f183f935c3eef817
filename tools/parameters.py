"""Count the parameters of models: ``tools/parameters.py CONFIG ...``.

The student's number is that of the model that is deployed. Counted on the model of a
distillation run, as by ``mmengine.analysis``, those of the distillation come on top,
which only training needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def rows(model: dict) -> Iterator[list[int | None]]:
    """Numbers of a model, a row for each teacher; a plain model has none."""
    from mmreviewkd.features.measure import TRUNK
    from mmreviewkd.model_config import (
        build_model,
        is_distilled,
        resolve_model_config,
        teacher_configs,
    )

    student = count(build_model(resolve_model_config(model)))
    if not is_distilled(model):
        yield [None, None, student, None]
        return
    distillation = count(build_model(model).distillation)
    for config in teacher_configs(model):
        teacher = build_model(resolve_model_config(config))
        parts = [getattr(teacher, name, None) for name in TRUNK]
        trunk = sum(count(part) for part in parts if part is not None)
        yield [count(teacher), trunk, student, distillation]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Print a Markdown table of parameters, in millions: the teacher as '
        'a whole and what of it runs in training (backbone and neck), the student, '
        'which is what is deployed, and the distillation, which is for training only.'
    )
    parser.add_argument(
        'configs', nargs='+', help='configs of distillation runs, or of plain models'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from mmreviewkd.config_file import read_config
    from mmreviewkd.model_config import model_of_run

    print('| config | teacher | backbone and neck | student | distillation |')
    print('|---|---:|---:|---:|---:|')
    for path in args.configs:
        cfg = read_config(path)
        init_default_scope(cfg.get('default_scope') or 'mmdet')
        for numbers in rows(model_of_run(cfg)):
            cells = ['' if one is None else f'{one / 1e6:.2f}' for one in numbers]
            print(f'| `{Path(path).name}` | {" | ".join(cells)} |')


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
