"""Count the parameters of distillation configs: ``tools/parameters.py CONFIG ...``."""

import argparse
from pathlib import Path

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmreviewkd.launch import hide_package_warnings
from mmreviewkd.model_config import build_model, is_distilled, resolve_model_config
from torch import nn


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Print a Markdown table of parameters, in millions: the teacher as '
        'a whole and what of it runs in training (backbone and neck), the student, and '
        'the distillation, which is for training only.'
    )
    parser.add_argument('configs', nargs='+', help='configs of distillation runs')
    args = parser.parse_args()
    hide_package_warnings()
    init_default_scope('mmdet')
    print('| config | teacher | backbone and neck | student | distillation |')
    print('|---|---:|---:|---:|---:|')
    for path in args.configs:
        cfg = Config.fromfile(path).model
        if not is_distilled(cfg):
            parser.error(f'{path} is no distillation config: model.type is {cfg.type}')
        model = build_model(cfg)
        teacher = build_model(resolve_model_config(cfg.teacher))
        distillation = count(model.distillation)
        numbers = (
            count(teacher),
            count(teacher.backbone) + count(teacher.neck),
            count(model) - distillation,
            distillation,
        )
        cells = ' | '.join(f'{number / 1e6:.2f}' for number in numbers)
        print(f'| `{Path(path).name}` | {cells} |')


if __name__ == '__main__':
    main()
