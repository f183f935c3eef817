"""The whole job on a tiny set, with interruptions."""

import json
import os
import shutil
import signal

import cv2
import pytest
import torch
from coco_sets import save_as, write_coco
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from runs import JOB_OPTIONS

from mmreviewkd.job import (
    AS_CONFIGURED,
    CONTROLS,
    Detectors,
    JobError,
    Method,
    read_methods,
    run_job,
    unlabeled_methods,
)
from mmreviewkd.job import runs as job_runs
from mmreviewkd.job.progress import ProgressHook

pytestmark = pytest.mark.usefixtures('brief', 'unformatted')
ONE_EPOCH = JOB_OPTIONS | {'train_cfg.max_epochs': 1}
REVIEW = dict(
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', mid_channels=8),
    loss=dict(type='HCLLoss'),
    loss_weight=1.0,
)


@pytest.fixture(scope='module')
def finished(tmp_path_factory, digits, configs, brief, unformatted):
    """A finished job of one epoch."""
    work_dir = tmp_path_factory.mktemp('finished') / 'work'
    run_job(configs, digits, work_dir=work_dir, options=ONE_EPOCH)
    return work_dir


@pytest.fixture
def work_dir(finished, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(finished, tmp_path / 'work')


@pytest.fixture
def student_alone(work_dir):
    """A job of which the student alone is finished."""
    for run in ('teacher', 'distilled'):
        shutil.rmtree(work_dir / 'seed_0' / run)
    return work_dir


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


def test_interrupted_job(configs, digits, tmp_path, monkeypatch, capsys):
    work_dir = tmp_path / 'work'

    def job():
        run_job(configs, digits, work_dir=work_dir, options=JOB_OPTIONS)
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
    assert 'begun before, to be resumed: distilled, seed 0\n' in out
    assert '[3/3 distilled, seed 0] resumed in epoch 2, after step 1 of 2' in out

    out = job()
    assert '[2/3 student, seed 0] finished before' in out
    assert trained(work_dir) == dict(teacher=1, student=2, distilled=3)
    assert (work_dir / 'table.md').read_text() in out
    assert 'drawing predictions.png' in out
    for plot in ('ap_over_epochs.png', 'predictions.png', 'gains.png'):
        assert cv2.imread(str(work_dir / plot)) is not None

    results = {
        name: json.loads((work_dir / 'seed_0' / name / 'result.json').read_text())
        for name in ('teacher', 'student', 'distilled')
    }
    for result in results.values():
        assert [point['epoch'] for point in result['epochs']] == [1, 2]
        assert result['final'] == result['epochs'][-1]['metrics']
        assert 'coco/segm_mAP_75' in result['final']
        assert 0 < result['step_seconds'] < result['training_seconds']
        assert result['steps'] == 4
        assert result['gflops'] > 0 and result['latency_ms'] > 0
        assert result['input_size'] == [64, 64]
        # COCO's AP is the mean of that of the classes with objects.
        for kind, name in (('box', 'bbox'), ('mask', 'segm')):
            by_class = result['class_ap'][kind]
            assert len(by_class) == 10
            known = [ap for ap in by_class.values() if ap is not None]
            ap = 100 * result['final'][f'coco/{name}_mAP']
            assert sum(known) / len(known) == pytest.approx(ap, abs=0.051)
        assert (result['peak_memory'] > 0) == torch.cuda.is_available()
    assert results['teacher']['gflops'] > results['student']['gflops']
    data = json.loads((work_dir / 'results.json').read_text())
    assert data['about']['data']['name'] == 'tiny'
    assert data['about']['epochs'] == dict(teacher=2, student=2)
    assert data['noise']['mask']['images'] == 4
    assert list(data['runs']) == ['teacher', 'student', 'distilled']
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


def test_other_settings_are_refused(configs, digits, work_dir):
    other = ONE_EPOCH | {'train_dataloader.batch_size': 2}
    for seed in (0, 1):
        with pytest.raises(JobError, match='--work-dir') as error:
            run_job(configs, digits, work_dir=work_dir, seeds=(seed,), options=other)
        assert 'train_dataloader.batch_size: 4 -> 2' in str(error.value)
        # The end of the warm-up follows. Nothing else differs, not even the seed.
        assert 'param_scheduler.0.end: 4 -> 9' in str(error.value)
        assert str(error.value).count('->') == 2


def test_methods_are_added(configs, digits, work_dir, capsys):
    """To a finished job; one that cannot be built ends it before anything begins."""

    def job(dry_run=False, **methods):
        run_job(
            configs,
            digits,
            [Method(n, dict(distillation=d)) for n, d in methods.items()],
            one_teacher=True,
            work_dir=work_dir,
            options=ONE_EPOCH,
            dry_run=dry_run,
        )
        return capsys.readouterr().out

    broken = dict(type='NoSuchDistillation')
    with pytest.raises(JobError, match='broken: .*NoSuchDistillation'):
        job(broken=broken)
    capsys.readouterr()

    out = job(review=REVIEW, dry_run=True)
    # What is done already is not tried again.
    assert 'trying review: a training step and a prediction' in out
    assert 'trying student' not in out
    assert '1 epoch of 8 images in batches of 4, about ' in out
    assert 'in all about' in out and 'GiB of memory' in out
    assert 'Nothing is begun' in out
    assert not (work_dir / 'seed_0/review').exists()

    out = job(review=REVIEW)
    for line in ('1/3 teacher', '2/3 student'):
        assert f'[{line}, seed 0] finished before' in out
    assert '[3/3 review, seed 0] epoch 1/1' in out

    out = job(light=REVIEW | dict(loss_weight=0.1), review=REVIEW)
    assert '[3/4 light, seed 0] epoch 1/1' in out
    assert '[4/4 review, seed 0] finished before' in out
    box, mask, _ = (work_dir / 'table.md').read_text().split('\n\n', 2)
    for part in (box, mask):
        rows = [line.split('|')[1].strip() for line in part.splitlines()[2:]]
        assert rows == ['teacher', 'student alone', 'light', 'review']
    assert (work_dir / 'table.csv').read_text().count('\n') == 5

    # Another method of the same name is not taken for the former one.
    with pytest.raises(JobError, match='loss_weight: 0.1 -> 0.2'):
        job(light=REVIEW | dict(loss_weight=0.2))


def test_unlabeled_images(configs, tmp_path, monkeypatch, capsys):
    data = write_coco(tmp_path / 'data')
    for number in range(3):
        (tmp_path / 'more').mkdir(exist_ok=True)
        save_as('plain', tmp_path / 'more' / f'{number}.png')

    def job(score, folder='more'):
        more = unlabeled_methods(str(tmp_path / folder), score)
        run_job(
            configs,
            data,
            [AS_CONFIGURED, *more],
            work_dir=tmp_path / 'work',
            options=ONE_EPOCH,
            export='onnx',
        )
        return capsys.readouterr().out

    out = job(0.05)
    for run in ('distilled_unlabeled', 'distilled_pseudo'):
        assert f'trying {run}: a training step and a prediction' in out
    assert out.count('of 2 images in batches of 4 and 4 more') == 2
    # The teacher's own: 5 to an image.
    labels = tmp_path / 'work/seed_0/teacher/pseudo_labels_0.05.json'
    assert 'labels the images in' in out and '15 pseudo labels on 3 of 3 images' in out
    assert out.index('pseudo labels on') < out.index('[2/5 student, seed 0] epoch 1/1')
    assert len(json.loads(labels.read_text())['annotations']) == 15
    rows = [line.split('|')[1].strip() for line in out.split('\n') if '|' in line]
    names = ['distilled', 'distilled_unlabeled', 'distilled_pseudo']
    brought = [f'{name}, box AP' for name in names[1:]]
    found = [row for row in rows if row.startswith('distilled')]
    assert [row for row in found if ',' in row] == brought
    assert [row for row in found if ',' not in row] == 2 * names
    assert 'the student of distilled' in out
    assert (tmp_path / 'work/student/student.pth').is_file()
    assert 'note: there is no ONNX file: FasterRCNN cannot' in out

    # Nothing is done twice.
    monkeypatch.setattr('mmreviewkd.job.sharing.train', None)
    monkeypatch.setattr('mmreviewkd.job.sharing.label_images', None)
    assert '[5/5 distilled_pseudo, seed 0] finished before' in job(0.05)
    with pytest.raises(JobError, match=r'pseudo_labels_0\.05.json -> .*_0\.5\.json'):
        job(0.5)
    # They are of that folder alone, also where no run has begun with them.
    shutil.copytree(tmp_path / 'more', tmp_path / 'others')
    for name in names[1:]:
        shutil.rmtree(tmp_path / 'work/seed_0' / name)
    with pytest.raises(JobError, match='not for those in .*/others'):
        job(0.05, 'others')


def test_failing_run_is_left_out_of_the_table(
    configs, digits, work_dir, monkeypatch, capsys
):
    def fail(*args):
        raise OSError('no space left')

    monkeypatch.setattr('mmreviewkd.job.sharing.train', fail)
    methods = [Method('late', dict(distillation=REVIEW))]
    with pytest.raises(JobError, match='1 run failed.*\n.*late, seed 0'):
        run_job(configs, digits, methods, work_dir=work_dir, options=ONE_EPOCH)
    assert '[3/3 late, seed 0] failed: OSError' in capsys.readouterr().out
    assert 'no space left' in (work_dir / 'seed_0/late/error.txt').read_text()
    assert 'Not finished: late (seed 0).' in (work_dir / 'table.md').read_text()


def test_student_is_written_although_a_picture_fails(
    configs, digits, work_dir, monkeypatch
):
    def fail(*args):
        raise OSError('no picture')

    shutil.rmtree(work_dir / 'student')
    monkeypatch.setattr('mmreviewkd.job.job.plot_predictions', fail)
    with pytest.raises(OSError, match='no picture'):
        run_job(configs, digits, work_dir=work_dir, options=ONE_EPOCH)
    assert (work_dir / 'student/student.pth').is_file()


def test_trained_teacher(configs, digits, finished, student_alone, tmp_path, capsys):
    """It is measured, not trained, and its AP is that of its own run."""
    teacher = finished / 'seed_0/teacher/last.pth'
    run_job(
        configs,
        digits,
        work_dir=student_alone,
        detectors=Detectors(teacher_checkpoint=str(teacher)),
        options=ONE_EPOCH,
    )
    out = capsys.readouterr().out
    assert '[1/3 teacher, seed 0] as given: box AP' in out
    assert 'trained, measured on 4 images' in out
    measured = json.loads((student_alone / 'seed_0/teacher/result.json').read_text())
    own = json.loads((finished / 'seed_0/teacher/result.json').read_text())
    assert measured['final'] == own['final']
    assert measured['training_seconds'] == 0
    assert measured['checkpoint'] == str(teacher)
    cfg = Config.fromfile(student_alone / 'seed_0/distilled/config.py')
    assert cfg.model.teacher_checkpoint == str(teacher)
    # Another teacher is another job.
    other = shutil.copy(teacher, tmp_path / 'other.pth')
    with pytest.raises(JobError, match='load_from: .* -> .*other.pth'):
        run_job(
            configs,
            digits,
            work_dir=student_alone,
            detectors=Detectors(teacher_checkpoint=str(other)),
            options=ONE_EPOCH,
        )


def test_checkpoints_have_stable_names(finished):
    for run in ('teacher', 'student', 'distilled'):
        folder = finished / 'seed_0' / run
        last = CheckpointLoader.load_checkpoint(str(folder / 'last.pth'))
        assert last['meta']['epoch'] == 1
        # The only epoch is the best.
        assert (folder / 'best.pth').samefile(folder / 'last.pth')


def test_work_dir_that_cannot_be_written_to(configs, digits, tmp_path, monkeypatch):
    """It is refused before anything is read."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(JobError, match='file/work: .*/file is a file; give a folder'):
        run_job(configs, digits, work_dir=tmp_path / 'file/work')
    # Root may write to any folder.
    monkeypatch.setattr(os, 'access', lambda place, mode: False)
    with pytest.raises(JobError, match='deep/work: .* cannot be written to; give'):
        run_job(configs, digits, work_dir=tmp_path / 'deep/work')
    assert not (tmp_path / 'deep').exists()


def test_methods_set_the_distillation(configs, digits, tmp_path):
    options = {'model.distillation.loss_weight': 2.0}
    methods = [Method('review', dict(distillation=REVIEW))]
    with pytest.raises(JobError, match='that is what the methods set'):
        run_job(configs, digits, methods, work_dir=tmp_path, options=options)


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
    folder = run_job(configs, root, CONTROLS, quick=True, options=ONE_EPOCH)
    assert folder == tmp_path / 'work_dirs' / 'boxes_quick'
    text = (folder / 'table.md').read_text()
    assert 'numbers mean nothing' in text
    assert 'box AP' in text and 'mask' not in text
    assert '| random_teacher' in text and '| zero_weight' in text
    losses = {
        run: CheckpointLoader.load_checkpoint(
            str(folder / 'seed_0' / run / 'epoch_1.pth')
        )['message_hub']['log_scalars']['train/loss_distill'].data[0]
        for run in ('random_teacher', 'zero_weight')
    }
    assert min(losses['random_teacher']) > 0 == max(losses['zero_weight'])


def test_training_that_is_ended_early(configs, digits, student_alone, capsys):
    """The student learns from the teacher's last checkpoint, whatever its epoch."""
    # No AP is ever better by so much.
    hook = dict(
        type='EarlyStoppingHook', monitor='coco/bbox_mAP', patience=1, min_delta=2
    )
    options = ONE_EPOCH | {
        'teacher.custom_hooks': [hook],
        'teacher.train_cfg.max_epochs': 4,
    }
    for _ in range(2):
        run_job(configs, digits, work_dir=student_alone, options=options)
    assert capsys.readouterr().out.count('finished before') == 1 + 3
    data = json.loads((student_alone / 'results.json').read_text())
    epochs = {n: len(run['0']['AP_by_epoch']) for n, run in data['runs'].items()}
    assert epochs == dict(teacher=2, student=1, distilled=1)
    cfg = Config.fromfile(student_alone / 'seed_0/distilled/config.py')
    assert cfg.model.teacher_checkpoint.endswith('seed_0/teacher/epoch_2.pth')


def test_finished_job_is_only_reported(configs, digits, work_dir, monkeypatch, capsys):
    """A teacher that is no better than the student ends in a warning."""
    monkeypatch.setattr('mmreviewkd.job.sharing.train', None)
    (work_dir / 'table.md').unlink()
    for name, ap in (('teacher', 0.015), ('student', 0.012)):
        path = work_dir / 'seed_0' / name / 'result.json'
        result = json.loads(path.read_text())
        result['final'] |= {'coco/bbox_mAP': ap, 'coco/segm_mAP': 10 * ap}
        path.write_text(json.dumps(result))
        # The AP of the former predictions.
        (path.parent / 'resampled_ap.json').unlink()
    run_job(configs, digits, work_dir=work_dir, options=ONE_EPOCH)
    warnings = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('warning: ')
    ]
    assert len(warnings) == 1
    assert (work_dir / 'table.md').is_file()
    assert (
        'not better than the student alone by at least 1 point of box AP' in warnings[0]
    )


def test_parameters_are_those_at_inference():
    model = torch.nn.ModuleDict(
        dict(backbone=torch.nn.Linear(3, 2), distillation=torch.nn.Linear(5, 5))
    )
    assert job_runs.count_parameters(model) == 8


def test_shipped_methods_have_names_of_their_own(configs):
    methods = read_methods(sorted((configs.parent / 'methods').glob('*.py')))
    assert 'review' in [method.name for method in methods]
