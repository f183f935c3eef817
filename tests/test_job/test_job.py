"""The whole job on a tiny set, with interruptions."""

import json
import os
import signal
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.runner import CheckpointLoader
from runs import JOB_OPTIONS

from mmreviewkd.job import JobError, cli, run_job
from mmreviewkd.job import runs as job_runs
from mmreviewkd.job.progress import ProgressHook


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('work')


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def stop():
    raise KeyboardInterrupt


def interrupt(monkeypatch, method, run, epoch, how=stop):
    """Interrupt a run in an epoch."""
    original = getattr(ProgressHook, method)

    def interrupted(self, runner, *args, **kwargs):
        if f' {run},' in self._label and runner.epoch == epoch:
            how()
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(ProgressHook, method, interrupted)


def trained(work_dir):
    """How often each run was started."""
    starts = {}
    for folder in work_dir.glob('seed_0/*'):
        starts[folder.name] = len([p for p in folder.iterdir() if p.is_dir()])
    return starts


def test_job(configs, digits, work_dir, monkeypatch, capsys):
    def job(**args):
        args = dict(options=JOB_OPTIONS, seeds=(0,), work_dir=work_dir) | args
        run_job(configs, digits, **args)
        return capsys.readouterr().out

    # In the middle of the student's second epoch.
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 'after_train_iter', 'student', epoch=1)
        job()
    out = capsys.readouterr().out
    assert '3 runs' in out and '8 + 4 images, 10 classes' in out
    assert '[1/3 teacher, seed 0] epoch 2/2: box AP' in out
    assert (work_dir / 'seed_0/teacher/result.json').is_file()
    assert not (work_dir / 'seed_0/student/result.json').exists()

    # SIGTERM in the middle of the distilled student's second epoch.
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        interrupt(patch, 'after_train_iter', 'distilled', epoch=1, how=terminate)
        job()
    assert (work_dir / 'seed_0/distilled/iter_3.pth').is_file()
    capsys.readouterr()

    # After the last epoch's checkpoint of the distilled student, before its AP.
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 'after_val_iter', 'distilled', epoch=2)
        job()
    out = capsys.readouterr().out
    assert '[1/3 teacher, seed 0] finished before' in out
    assert '[2/3 student, seed 0] finished before' in out
    assert '[3/3 distilled, seed 0] goes on after epoch 1' in out

    out = job()
    assert '[2/3 student, seed 0] finished before' in out
    assert trained(work_dir) == dict(teacher=1, student=2, distilled=3)
    assert (work_dir / 'table.md').read_text() in out
    for plot in ('ap_over_epochs.png', 'predictions.png'):
        assert cv2.imread(str(work_dir / plot)) is not None

    results = json.loads((work_dir / 'report.json').read_text())['seeds']['0']
    assert list(results) == ['teacher', 'student', 'distilled']
    for result in results.values():
        assert [point['epoch'] for point in result['epochs']] == [1, 2]
        assert result['final'] == result['epochs'][-1]['metrics']
        assert 'coco/segm_mAP_75' in result['final']
        assert result['training_seconds'] > 0
    # The distillation is no part of the detector.
    assert results['distilled']['parameters'] == results['student']['parameters']

    # Each run has its own message hub and visualizer, also where the process has
    # had others.
    for run in results:
        logs = sorted((work_dir / 'seed_0' / run).glob('*/vis_data/scalars.json'))
        assert 'coco/bbox_mAP' in logs[-1].read_text()
        checkpoint = CheckpointLoader.load_checkpoint(
            str(work_dir / 'seed_0' / run / 'epoch_2.pth')
        )
        scalars = checkpoint['message_hub']['log_scalars']
        assert len(scalars['train/loss'].data[0]) == 4
        assert ('train/loss_distill' in scalars) == (run == 'distilled')
        assert checkpoint['meta']['iter'] == 4


def test_finished_job_is_only_reported(configs, digits, work_dir, monkeypatch):
    (work_dir / 'table.md').unlink()
    monkeypatch.setattr('mmreviewkd.job.sharing.train', None)
    run_job(configs, digits, work_dir=work_dir, options=JOB_OPTIONS)
    assert (work_dir / 'table.md').is_file()


def test_other_settings_are_refused(configs, digits, work_dir):
    other = JOB_OPTIONS | {'train_dataloader.batch_size': 2}
    for seed in (0, 1):
        with pytest.raises(JobError, match='--work-dir') as error:
            run_job(configs, digits, work_dir=work_dir, seeds=(seed,), options=other)
        assert 'train_dataloader.batch_size: 4 -> 2' in str(error.value)
        # Nothing else differs, not even the seed.
        assert str(error.value).count('->') == 1


def test_quick_job_without_masks(configs, digits, tmp_path, monkeypatch, capsys):
    # As a set whose masks are the string "[]".
    root = tmp_path / 'boxes'
    (root / 'annotations').mkdir(parents=True)
    (root / 'images').symlink_to(digits / 'images')
    for file in digits.glob('annotations/*'):
        coco = json.loads(file.read_text())
        for ann in coco['annotations']:
            ann['segmentation'] = '[]'
        (root / 'annotations' / file.name).write_text(json.dumps(coco))
    monkeypatch.chdir(tmp_path)
    options = {**JOB_OPTIONS, 'train_cfg.max_epochs': 1}
    folder = run_job(configs, root, quick=True, options=options, controls=True)
    assert folder == tmp_path / 'work_dirs' / 'boxes_quick'
    table = (folder / 'table.md').read_text()
    assert 'numbers mean nothing' in table
    assert 'box AP' in table and 'mask' not in table
    assert '| random teacher' in table and '| zero weight' in table
    losses = {
        run: CheckpointLoader.load_checkpoint(
            str(folder / 'seed_0' / run / 'epoch_1.pth')
        )['message_hub']['log_scalars']['train/loss_distill'].data[0]
        for run in ('random_teacher', 'zero_weight')
    }
    assert min(losses['random_teacher']) > 0 == max(losses['zero_weight'])


def test_parameters_are_those_at_inference():
    model = torch.nn.ModuleDict(
        dict(backbone=torch.nn.Linear(3, 2), distillation=torch.nn.Linear(5, 5))
    )
    assert job_runs.count_parameters(model) == 8


def test_command_line(tmp_path, monkeypatch, capsys):
    asked = {}

    def job(configs, folder, **args):
        asked.update(args, folder=folder)
        assert (Path(configs) / 'mrcnn_teacher.py').is_file()

    monkeypatch.setattr(cli, 'run_job', job)
    command = (
        'distill.py set --classes a b --seeds 1 2 --cfg-options x.y=3 --controls '
        '--epochs 4 --teacher-epochs 9 --image-size 128'
    )
    monkeypatch.setattr('sys.argv', command.split())
    assert cli.distill() == 0
    assert asked == dict(
        folder='set',
        classes=['a', 'b'],
        work_dir=None,
        seeds=[1, 2],
        quick=False,
        controls=True,
        epochs=4,
        teacher_epochs=9,
        image_size=128,
        options={'x.y': 3},
    )

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, 'run_job', interrupted)
    assert cli.distill() == 130

    monkeypatch.setattr(cli, 'run_job', run_job)
    monkeypatch.setattr('sys.argv', ['distill.py', str(tmp_path / 'none')])
    assert cli.distill() == 2
    assert capsys.readouterr().err.endswith(
        f'error: there is no folder {tmp_path}/none\n'
    )

    monkeypatch.setattr('sys.argv', ['distill.py', '--epochs', '0'])
    with pytest.raises(SystemExit):
        cli.distill()
    assert '0 is less than 1' in capsys.readouterr().err
