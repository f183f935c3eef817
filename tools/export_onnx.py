"""Write a detector as ONNX: ``tools/export_onnx.py MODEL [CHECKPOINT] --out FILE``.

MODEL is a config, followed by its checkpoint, or a folder that publish_student.py has
written. The file gives the raw outputs of the head; it is run by ONNX Runtime and
compared with PyTorch before it is written.
"""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Write a detector of one stage as ONNX, up to its head's raw "
        'outputs, and check it against PyTorch'
    )
    parser.add_argument('model', help='a config, or the folder of a published student')
    parser.add_argument(
        'checkpoint', nargs='?', help='its checkpoint (default: that of the folder)'
    )
    parser.add_argument(
        '--out', type=Path, metavar='FILE', required=True, help='the .onnx to write'
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=(640, 640),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images, fixed in the file; multiples of 32 (default: 640 640)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', default=[], metavar='KEY=VALUE'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.config_file import read_config
    from mmreviewkd.export_onnx import export_onnx
    from mmreviewkd.inference import find_model, load_detector

    given = [args.checkpoint] if args.checkpoint else []
    config, checkpoint, _ = find_model(args.model, given)
    cfg = read_config(config, args.cfg_options)
    model = load_detector(cfg, checkpoint, device='cpu')
    result = export_onnx(model, args.out, tuple(args.size))
    for name, shape in result.shapes.items():
        print(f'{name}  {"x".join(map(str, shape))}')
    print(
        f'{result.path}: as in PyTorch, but for {result.difference:.1e} of the largest '
        'value'
    )


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
