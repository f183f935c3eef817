"""Measure what distillation costs: ``tools/benchmark.py CONFIG``."""

import argparse
import json
import platform
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Time and peak memory of the parts of a distillation step, in '
        'turns: student alone, teacher, connector and loss, and the whole step. '
        'Weights and images are random.'
    )
    parser.add_argument('config', help='config of a distillation run')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=(800, 1344),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 800 1344)',
    )
    parser.add_argument('--batch', type=int, default=1, help='images in a step')
    parser.add_argument('--rounds', type=int, default=5, help='default: 5')
    parser.add_argument('--warmup', type=int, default=1, help='default: 1')
    parser.add_argument(
        '--operators',
        action='store_true',
        help='also list where the steps, teacher, connector and loss spend their time',
    )
    parser.add_argument('--out', metavar='FILE.json', help='write the numbers there')
    parser.add_argument('--cfg-options', nargs='+', action='extend', default=[])
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    import torch
    from mmengine.logging import MMLogger

    from mmreviewkd.benchmark import benchmark, operator_table, table
    from mmreviewkd.config_file import read_config

    MMLogger.get_instance('benchmark', log_level='WARNING')
    cfg = read_config(args.config, args.cfg_options)
    result = benchmark(cfg, tuple(args.size), args.batch, args.rounds, args.warmup)
    cuda = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if cuda else platform.processor() or 'CPU'
    print(
        f'\n{device}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}, '
        f'{args.batch} x {args.size[0]}x{args.size[1]}\n\n{table(result)}'
    )
    if args.operators:
        found = {name: row['operators'] for name, row in result.items()}
        parts = ('student step', 'teacher', 'connector and loss', 'distilled step')
        print('\nSeconds by operator, in one run that is watched:\n')
        print(operator_table({name: found[name] for name in parts}))
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=2))


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
