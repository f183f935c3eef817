"""The commands as typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmreviewkd import job
from mmreviewkd.data_folders import Given
from mmreviewkd.errors import UsageError
from mmreviewkd.job import (
    AS_CONFIGURED,
    CONTROLS,
    Detectors,
    JobError,
    Method,
    Training,
    cli,
)
from mmreviewkd.job.method import Unlabeled

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(monkeypatch):
    """What a job was asked for, in place of doing it."""
    args = {}

    def note(configs, **others):
        assert (Path(configs) / 'mrcnn_teacher.py').is_file()
        args.update(others)

    monkeypatch.setattr(job, 'run_job', note)
    return args


def call(monkeypatch, command, *args):
    monkeypatch.setattr('sys.argv', [command.__name__, *args])
    return command()


def test_distill(asked, monkeypatch):
    args = (
        'set --classes a b --seeds 1 2 --controls --epochs 4 --teacher-epochs 9 '
        '--image-size 128 --cfg-options x.y=3'
    )
    hook = "custom_hooks=[dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP')]"
    assert call(monkeypatch, cli.distill, *args.split(), hook) == 0
    assert asked == dict(
        folder='set',
        methods=[AS_CONFIGURED, *CONTROLS],
        one_teacher=False,
        classes=['a', 'b'],
        work_dir=None,
        seeds=[1, 2],
        quick=False,
        detectors=Detectors(),
        training=Training(epochs=4, teacher_epochs=9, image_size=128),
        launcher='none',
        dry_run=False,
        export=None,
        options={
            'x.y': 3,
            'custom_hooks': [dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP')],
        },
        given=Given(),
    )


def test_unlabeled_images(asked, monkeypatch, capsys):
    def methods(*args):
        assert call(monkeypatch, cli.distill, 'set', *args) == 0
        return asked['methods'][1:]

    unlabeled = Method('distilled_unlabeled', unlabeled=Unlabeled('more'))
    assert methods('--unlabeled', 'more') == [unlabeled]
    for score, args in ((0.7, []), (0.5, ['0.5'])):
        found = methods('--unlabeled', 'more', '--pseudo-labels', *args, '--controls')
        pseudo = Method('distilled_pseudo', unlabeled=Unlabeled('more', score))
        assert found == [unlabeled, pseudo, *CONTROLS]
    assert call(monkeypatch, cli.distill, 'set', '--pseudo-labels') == 2
    assert '--pseudo-labels needs --unlabeled FOLDER' in capsys.readouterr().err
    for wrong in ('set', '1', '0'):
        with pytest.raises(SystemExit):
            call(monkeypatch, cli.distill, '--pseudo-labels', wrong)
        assert f'{wrong} is no number between 0 and 1' in capsys.readouterr().err


def test_export(asked, monkeypatch):
    assert call(monkeypatch, cli.distill, 'set', '--export', 'onnx') == 0
    assert asked['export'] == 'onnx'


def test_named_files(asked, monkeypatch):
    args = 'set --train-ann a.json --val-fraction 0.2 --images pictures'
    assert call(monkeypatch, cli.distill, *args.split()) == 0
    assert asked['given'] == Given('a.json', None, 'pictures', 0.2)
    args = 'set --train-ann a.json --val-ann b.json'
    assert call(monkeypatch, cli.compare, *args.split()) == 0
    assert asked['given'] == Given('a.json', 'b.json')


def test_detectors_and_training(asked, monkeypatch):
    args = (
        'set --student s.py --teacher t.py --teacher-checkpoint t.pth --from-scratch '
        '--batch 8 --workers 0 --no-amp --patience 3 --max-images 9 5 --dry-run '
        '--launcher pytorch'
    )
    assert call(monkeypatch, cli.distill, *args.split()) == 0
    assert asked['detectors'] == Detectors(
        student='s.py', teacher='t.py', teacher_checkpoint='t.pth', from_scratch=True
    )
    assert asked['training'] == Training(
        batch=8, workers=0, amp=False, patience=3, max_images=[9, 5]
    )
    assert asked['dry_run'] and asked['launcher'] == 'pytorch'
    assert call(monkeypatch, cli.compare, '--pair', 'p', '--batch', 'auto') == 0
    assert asked['detectors'] == Detectors(pair='p')
    assert asked['training'] == Training(batch='auto')


@pytest.mark.parametrize(
    'before, device, after',
    [
        (None, None, None),
        ('0,1', 'cpu', ''),
        (None, 'cuda:1', '1'),
        ('4,5', 'cuda:1', '5'),
        ('4,5', 'cuda', '4,5'),
    ],
)
def test_device(monkeypatch, before, device, after):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    name = 'CUDA_VISIBLE_DEVICES'
    monkeypatch.setenv(name, before or '')
    if before is None:
        monkeypatch.delenv(name)
    cli._choose_device(device)
    assert os.environ.get(name) == after


@pytest.mark.parametrize(
    'device, message',
    [
        ('tpu', 'write cpu, cuda, or cuda:1'),
        ('cuda:x', 'write cpu, cuda, or cuda:1'),
        ('cuda:2', 'CUDA_VISIBLE_DEVICES=0,1 has no GPU 2'),
        ('cuda', 'PyTorch finds no such GPU'),
    ],
)
def test_no_such_device(monkeypatch, capsys, device, message):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0,1')
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    assert call(monkeypatch, cli.distill, '--device', device) == 2
    err = capsys.readouterr().err
    assert err.startswith(f'error: --device {device}: ') and message in err
    assert err.count('\n') == 1


def test_compare(asked, monkeypatch, tmp_path):
    (tmp_path / 'a.py').write_text("method = dict(type='A')")
    args = ['set', '--methods', f'{tmp_path}/a.py', '--seeds', '1', '2', '--quick']
    assert call(monkeypatch, cli.compare, *args) == 0
    assert asked['methods'] == [Method('a', dict(distillation=dict(type='A')), [])]
    assert asked['one_teacher'] and asked['quick']
    assert asked['seeds'] == [1, 2]
    assert asked['options'] == {'model.inherit': ()}


def test_compare_takes_all_methods(asked, monkeypatch):
    own = 'model.inherit=[neck]'
    assert call(monkeypatch, cli.compare, '--cfg-options', own) == 0
    names = {method.name for method in asked['methods']}
    assert {'review', 'fitnet'} <= names
    # The job's detectors have no such head.
    assert not {'ld', 'queries'} & names
    assert asked['options'] == {'model.inherit': ['neck']}


def test_until_clear(monkeypatch):
    """The job is done with the seeds that are asked for, the rest as it is."""
    asked = {}

    def note(run, *args, **limits):
        run([3, 4])
        asked.update(args=args, limits=limits)

    monkeypatch.setattr(job, 'run_job', lambda configs, **args: asked.update(args))
    monkeypatch.setattr(job, 'run_until_clear', note)
    args = 'set --seeds 0 1 --until-clear 1.5 --budget 2'
    assert call(monkeypatch, cli.compare, *args.split()) == 0
    assert asked['args'] == (1.5, [0, 1]) and asked['limits'] == dict(budget=2.0)
    assert asked['seeds'] == [3, 4] and asked['folder'] == 'set'


def test_until_clear_is_tried_with_the_first_seeds(monkeypatch, asked):
    args = 'set --seeds 0 1 --until-clear 1.5 --budget 2 --dry-run'
    assert call(monkeypatch, cli.compare, *args.split()) == 0
    assert asked['dry_run'] and asked['seeds'] == [0, 1]


def test_until_clear_is_not_for_a_launcher(monkeypatch, asked, capsys):
    args = 'set --until-clear 1.5 --launcher pytorch'
    assert call(monkeypatch, cli.compare, *args.split()) == 2
    assert 'does not go with --launcher' in capsys.readouterr().err
    assert not asked


def test_limits_without_until_clear(monkeypatch, asked, capsys):
    assert call(monkeypatch, cli.compare, 'set', '--budget', '2') == 2
    assert 'need --until-clear POINTS' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call(monkeypatch, cli.compare, 'set', '--until-clear', '0')
    assert '0 is no number above 0' in capsys.readouterr().err


@pytest.mark.parametrize(
    'error, code',
    [
        (KeyboardInterrupt(), 130),
        (JobError('it cannot be done'), 2),
        (UsageError('it cannot be done'), 2),
        (PermissionError('it cannot be done'), 2),
    ],
)
def test_exit_code(monkeypatch, capsys, error, code):
    def fail(*args, **others):
        raise error

    monkeypatch.setattr(job, 'run_job', fail)
    assert call(monkeypatch, cli.distill) == code
    assert ('error: it cannot be done' in capsys.readouterr().err) == (code == 2)


@pytest.mark.parametrize('rank', [0, 1])
def test_a_signal_that_ends_a_run_is_no_end_of_the_job(monkeypatch, capsys, rank):
    """Of several processes, one says so."""

    def leave(*args, **others):
        raise SystemExit(143)

    monkeypatch.setattr(job, 'run_job', leave)
    monkeypatch.setattr('mmengine.dist.get_rank', lambda: rank)
    with pytest.raises(SystemExit) as end:
        call(monkeypatch, cli.distill)
    assert end.value.code == 143
    assert ('same command goes on' in capsys.readouterr().err) == (rank == 0)


def test_faults_of_the_program_have_a_traceback(monkeypatch):
    monkeypatch.setattr(job, 'run_job', lambda *args, **others: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, cli.distill)


def test_errors(monkeypatch, tmp_path, capsys):
    assert call(monkeypatch, cli.distill, str(tmp_path / 'none')) == 2
    assert capsys.readouterr().err.endswith(
        f'error: there is no folder {tmp_path}/none\n'
    )


@pytest.mark.parametrize(
    'flag, value, message',
    [
        ('--epochs', '0', '0 is no whole number of 1 or more'),
        ('--epochs', 'many', 'many is no whole number of 1 or more'),
        ('--batch', 'many', 'many is no whole number of 1 or more, nor auto'),
        ('--workers', '-1', '-1 is no whole number of 0 or more'),
        ('--seeds', '-1', '-1 is no whole number of 0 or more'),
        ('--val-fraction', 'half', 'half is no number between 0 and 1'),
        ('--val-fraction', '20', '20 is no number between 0 and 1'),
    ],
)
def test_wrong_numbers(monkeypatch, capsys, flag, value, message):
    with pytest.raises(SystemExit):
        call(monkeypatch, cli.distill, f'{flag}={value}')
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('name', ['distill', 'compare'])
def test_help_imports_nothing_heavy(name):
    script = (
        'import runpy, sys\n'
        f"sys.argv = ['{name}.py', '--help']\n"
        'try:\n'
        f"    runpy.run_path('tools/{name}.py', run_name='__main__')\n"
        'except SystemExit as end:\n'
        '    assert not end.code\n'
        "for heavy in ('torch', 'mmengine', 'mmcv', 'mmdet', 'numpy', 'matplotlib'):\n"
        '    assert heavy not in sys.modules, heavy\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '--cfg-options KEY=VALUE' in done.stdout
