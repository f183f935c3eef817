"""Test, measure and train on a machine with a GPU: ``tools/gpu_half_hour.py 1 2 3``."""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
R18 = 'configs/reviewkd_frcnn_r101_r18.py'
PUBLISHED = sorted(
    f'configs/{p.name}' for p in (ROOT / 'configs').glob('reviewkd_*.py')
)
# In one process, without the plugin for several.
PYTEST = '-m pytest -m gpu -o addopts=--import-mode=importlib -ra --durations=10'
CIFAR = 'configs/classification/cifar100'
MODULES = (
    'torch torchvision numpy cv2 mmengine mmcv mmdet pycocotools scipy sklearn '
    'matplotlib jinja2 filelock packaging rich addict yapf termcolor terminaltables '
    'shapely torchdistill pytest triton pkg_resources'
).split()


@dataclass(frozen=True)
class Command:
    """A command of a call.

    Args:
        minutes (float): When it is ended.
        line (str): What Python is given: a script or ``-m``, and arguments; ``DATA``,
            ``WORK`` and ``OUT`` stand for folders.
        tiny (str): What is added to try it on a CPU.
        keep (str): Files of ``WORK`` that are copied to ``OUT``, as patterns.
    """

    minutes: float
    line: str
    tiny: str = ''
    keep: str = ''


def _pairs(batch: int, rounds: int) -> Command:
    return Command(
        9,
        f'tools/benchmark.py {" ".join(PUBLISHED)} --batch {batch} --forms --precision '
        f'float32 float16 --rounds {rounds} --warmup 3 --out OUT/pairs_{batch}.json',
        '--size 64 64 --batch 2 --rounds 1 --warmup 0 --precision bfloat16 --card H100',
    )


def _variants(minutes: float, batch: int, rounds: int, more: str, name: str) -> Command:
    return Command(
        minutes,
        f'tools/benchmark.py {R18} --batch {batch} --rounds {rounds} --warmup 5 '
        f'--precision float16 {more} --out OUT/{name}_{batch}.json',
        '--size 64 64 --batch 2 --rounds 1 --warmup 0 --precision bfloat16 '
        + ('--variants no-wait teacher-half' if 'variants' in more else ''),
    )


VARIANTS = (
    '--variants no-wait teacher-half teacher-compiled teacher-graph teacher-stream '
    'review-compiled teacher-graph+review-compiled+no-wait '
    'teacher-graph+teacher-stream+review-compiled+no-wait'
)
# Three steps of an epoch at most.
TINY_CIFAR = (
    '--minutes 0 --seeds 0 1 --cfg-options train_dataloader.batch_size=4 '
    'train_dataloader.dataset.per_class=1 val_dataloader.dataset.per_class=1 '
    'param_scheduler.0.milestones=[1] train_cfg.max_epochs=1'
)


def _seeds(config: str, name: str, seeds: str, minutes: float, options: str) -> Command:
    return Command(
        minutes + 1,
        f'tools/train_seeds.py {CIFAR}/{config}.py --seeds {seeds} --minutes {minutes} '
        f'--work-dir WORK/{name} --cfg-options '
        f'train_dataloader.dataset.root=DATA/data/cifar100 '
        f'val_dataloader.dataset.root=DATA/data/cifar100 {options}',
        TINY_CIFAR,
        f'{name}/results.json {name}/seed_*.pth',
    )


def _detectors(kind: str, data: str, size: int, epochs: int) -> Command:
    return Command(
        9.5,
        f'tools/distill.py DATA/data/{data} --work-dir WORK/{data} --image-size {size} '
        f'--student configs/from_scratch/{kind}_r18_gn.py '
        f'--teacher mmdet::scratch/{kind}_r50-scratch_fpn_gn-all_6x_coco.py '
        f'--batch 16 --workers 12 --epochs {epochs} --teacher-epochs {epochs} '
        f'--cfg-options train_cfg.val_interval={epochs // 4}',
        '--image-size 64 --epochs 1 --teacher-epochs 1 --batch 2 --max-images 2 1 '
        '--workers 0 --cfg-options train_cfg.val_interval=1',
        f'{data}/*.md {data}/*.json {data}/*.png',
    )


CALLS = {
    1: (
        'tests',
        Command(
            3.5,
            f'{PYTEST} tests/test_gpu --ignore=tests/test_gpu/test_compiled.py '
            '--ignore=tests/test_gpu/test_demo.py',
        ),
        # What takes longest.
        Command(2.5, f'{PYTEST} tests/test_gpu/test_demo.py'),
        Command(3.5, f'{PYTEST} tests/test_gpu/test_compiled.py'),
    ),
    2: ('the published pairs, batch 2', _pairs(2, 10)),
    3: ('the published pairs, batch 16', _pairs(16, 5)),
    4: (
        'what may make it cheap',
        _variants(4.5, 2, 20, VARIANTS, 'variants'),
        _variants(4.5, 16, 10, VARIANTS, 'variants'),
    ),
    5: (
        'layout, compiling, operators and growth',
        _variants(2.5, 16, 10, '--channels-last --forms', 'channels_last'),
        _variants(3, 16, 10, '--compile', 'compiled'),
        _variants(1.5, 2, 10, '--operators', 'operators'),
        Command(
            2.5,
            f'tools/benchmark_growth.py {R18} OUT/growth.png --rounds 5',
            '--help',
        ),
    ),
    6: ('CIFAR-100: the teacher', _seeds('resnet56', 'resnet56', '0', 8.5, '')),
    7: (
        'CIFAR-100: students alone',
        _seeds('resnet20', 'resnet20', '0 1 2 3 4', 8.5, ''),
    ),
    8: (
        'CIFAR-100: students by the review',
        _seeds(
            'reviewkd_resnet56_resnet20',
            'review',
            '0 1 2 3 4',
            8.5,
            'model.teacher_checkpoint=WORK/resnet56/seed_0.pth',
        ),
    ),
    9: (
        'blood cells, R50 teaches R18, from scratch',
        _detectors('faster-rcnn', 'bccd', 640, 60),
    ),
    10: (
        'nuclei, R50 teaches R18, from scratch',
        _detectors('mask-rcnn', 'dsb2018', 512, 24),
    ),
}


def parse_args() -> argparse.Namespace:
    calls = '; '.join(f'{number} {title}' for number, (title, *_) in CALLS.items())
    parser = argparse.ArgumentParser(
        description='Test, measure and train on a machine with a GPU, in calls of less '
        f'than ten minutes each: {calls}. Trainings are resumed by the same call.'
    )
    parser.add_argument(
        'calls', nargs='+', type=int, choices=CALLS, metavar='CALL', help='its number'
    )
    parser.add_argument(
        '--data',
        default='.gpu',
        metavar='DIR',
        help='where reference/ and data/ are; a file may be in parts, such as '
        'train.npz.aa and so on, which are joined (default: .gpu)',
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/gpu', help='of the trainings (%(default)s)'
    )
    parser.add_argument(
        '--tiny', action='store_true', help='try each command on the CPU'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> int:
    out = Path(os.environ.get('OUT') or 'work_dirs/gpu_out').resolve()
    data, work = Path(args.data).resolve(), Path(args.work_dir).resolve()
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    if missing := _missing():
        print('\n'.join(missing))
        return 1
    _join_parts(data)
    failed = 0
    for number in args.calls:
        _, *commands = CALLS[number]
        with open(out / f'call_{number}.txt', 'a') as log:
            for command in commands:
                failed += _run(
                    command, args.tiny, dict(DATA=data, WORK=work, OUT=out), log
                )
    return min(failed, 1)


def _run(command: Command, tiny: bool, folders: dict[str, Path], log) -> int:
    line = f'{command.line} {command.tiny if tiny else ""}'
    for name, folder in folders.items():
        line = line.replace(f'{name}/', f'{folder}/')
    environment = os.environ | dict(
        PYTHONPATH=f'{ROOT}{os.pathsep}{os.environ.get("PYTHONPATH", "")}',
        PYTHONUNBUFFERED='1',
        MMREVIEWKD_SHARED=str(folders['DATA']),
    )
    if tiny:
        # Compiling takes minutes there.
        environment |= dict(CUDA_VISIBLE_DEVICES='', TORCH_COMPILE_DISABLE='1')
    seconds = 60 * command.minutes * (4 if tiny else 1)
    call = ['timeout', '-k', '10', f'{seconds:.0f}', sys.executable]
    _say(f'\n$ python {line}\n', log)
    with subprocess.Popen(
        [*call, *line.split()],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for text in process.stdout or ():
            _say(text, log)
    _say(f'exit code {process.returncode}\n', log)
    for pattern in command.keep.split():
        for file in folders['WORK'].glob(pattern):
            copy = folders['OUT'] / file.relative_to(folders['WORK'])
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(file, copy)
    return int(process.returncode != 0)


def _say(text: str, log) -> None:
    print(text, end='', flush=True)
    log.write(text)
    log.flush()


def _missing() -> list[str]:
    """All that cannot be imported, at once; and what the machine is."""
    missing = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # what does not fit can raise any
            missing.append(f'{name}: {type(error).__name__}: {error}')
        else:
            if name == 'torch':
                gpu = module.cuda.is_available() and module.cuda.get_device_name()
                print(
                    f'Python {sys.version}, torch {module.__version__}, {gpu or "CPU"}'
                )
    return missing


def _join_parts(data: Path) -> None:
    for first in data.rglob('*.aa'):
        whole = first.with_suffix('')
        parts = sorted(whole.parent.glob(f'{whole.name}.[a-z][a-z]'))
        size = sum(part.stat().st_size for part in parts)
        # More parts may have come since.
        if not whole.is_file() or whole.stat().st_size != size:
            whole.write_bytes(b''.join(part.read_bytes() for part in parts))


if __name__ == '__main__':
    sys.exit(main(parse_args()))
