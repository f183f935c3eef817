"""Measure what distillation costs: ``tools/benchmark.py CONFIG``."""

import argparse
import platform
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Time and peak memory of the parts of a distillation step, in '
        'turns: student alone, teacher, connector and loss, and the whole step. '
        'Weights and images are random.'
    )
    parser.add_argument('configs', nargs='+', help='configs of distillation runs')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=(800, 1344),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 800 1344)',
    )
    parser.add_argument(
        '--batch', nargs='+', type=int, default=[1], help='images in a step'
    )
    parser.add_argument('--rounds', type=int, default=5, help='default: 5')
    parser.add_argument('--warmup', type=int, default=1, help='default: 1')
    how = parser.add_argument_group('how a step is taken')
    how.add_argument(
        '--precision',
        nargs='+',
        choices=['float32', 'float16', 'bfloat16'],
        default=['float32'],
        help='float32 (on a GPU with TF32), or mixed precision, float16 with a scaler '
        'of the losses (default: float32)',
    )
    how.add_argument(
        '--channels-last', action='store_true', help='maps with their channels last'
    )
    how.add_argument(
        '--compile',
        action='store_true',
        help='compile backbones, necks, connector and loss',
    )
    what = parser.add_argument_group('what is measured too')
    what.add_argument(
        '--forms',
        action='store_true',
        help='the distilled step by the textbook, and with two whole forward passes',
    )
    what.add_argument(
        '--variants',
        nargs='+',
        default=[],
        metavar='NAME',
        help='the distilled step with these changes, or several joined by +; see '
        'mmreviewkd/benchmark/variants.py',
    )
    what.add_argument(
        '--operators',
        action='store_true',
        help='also list where the steps, teacher, connector and loss spend their time',
    )
    what.add_argument(
        '--card',
        help="count the work of teacher, connector and loss, and divide by this card's "
        'published rates, such as H100 (default: the GPU at hand, if it is known)',
    )
    parser.add_argument('--out', metavar='FILE.json', help='write the numbers there')
    parser.add_argument('--cfg-options', nargs='+', action='extend', default=[])
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from itertools import product

    import torch
    from mmengine.logging import MMLogger

    from mmreviewkd.benchmark import Setting, benchmark, operator_table, table
    from mmreviewkd.benchmark.benchmark import PARTS
    from mmreviewkd.config_file import read_config
    from mmreviewkd.estimate.cards import find_card
    from mmreviewkd.files import write_json
    from mmreviewkd.precision import dtype_of

    MMLogger.get_instance('benchmark', log_level='WARNING')
    cuda = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if cuda else platform.processor() or 'CPU'
    if cuda:
        # TF32, which convolutions have anyway.
        torch.set_float32_matmul_precision('high')
    found = []
    for path, batch, precision in product(args.configs, args.batch, args.precision):
        setting = Setting(
            amp=None if precision == 'float32' else dtype_of(precision, '--precision'),
            channels_last=args.channels_last,
            compiled=args.compile,
            forms=args.forms,
            variants=args.variants,
            card=find_card(args.card, device),
        )
        about = dict(
            config=Path(path).stem,
            device=device,
            torch=torch.__version__,
            threads=torch.get_num_threads(),
            batch=batch,
            size=list(args.size),
            precision=precision,
            channels_last=args.channels_last,
            compiled=args.compile,
        )
        print('\n' + ', '.join(f'{name} {value}' for name, value in about.items()))
        try:
            result = benchmark(
                read_config(path, args.cfg_options),
                tuple(args.size),
                batch,
                args.rounds,
                args.warmup,
                setting=setting,
            )
        except torch.OutOfMemoryError as error:
            print(f'does not fit: {error}', flush=True)
            continue
        print(f'\n{table(result)}', flush=True)
        if args.operators:
            operators = {name: row['operators'] for name, row in result.items()}
            print('\nSeconds by operator, in one run that is watched:\n')
            print(operator_table({name: operators[name] for name in PARTS}))
        found.append(about | dict(result=result))
        if args.out:
            # After each, so that a run that is cut off leaves what it has measured.
            write_json(Path(args.out), found)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
