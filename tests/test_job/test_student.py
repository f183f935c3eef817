"""The student that a job ends with."""

import shutil

import pytest
import torch
import toys
from mmengine.config import Config
from results_of import result
from runs import small_run

from mmreviewkd.errors import UsageError
from mmreviewkd.files import write_json
from mmreviewkd.job import student
from mmreviewkd.job.plan import Run
from mmreviewkd.job.read_results import read_results
from mmreviewkd.job.student import write_student


@pytest.fixture
def job(tmp_path):
    """A function that makes finished runs: their names, and the box AP by seed."""

    def make(model=None, **aps):
        cfg = small_run('reviewkd_frcnn.py', tmp_path / 'shapes')
        cfg.model = model or toys.distilled(None)
        for loader in ('val_dataloader', 'test_dataloader'):
            cfg[loader].dataset.pipeline[1].scale = (72, 60)
        torch.manual_seed(0)
        state = toys.build(cfg.model).state_dict()
        runs = []
        for name, by_seed in dict(teacher=[0.9], student=[0.8], **aps).items():
            for seed, ap in enumerate(by_seed):
                own = cfg.copy()
                own.randomness = dict(seed=seed)
                run = Run(name, tmp_path / f'seed_{seed}' / name, own)
                found = result(ap, seed=seed, epochs=[0.125, 0.25, 0.25, ap])
                write_json(run.folder / 'result.json', found)
                meta = dict(dataset_meta=dict(classes=('a', 'b', 'c')))
                # Weights that tell whose they are.
                marked = {key: torch.full_like(v, ap) for key, v in state.items()}
                for file, weights in (('epoch_4', marked), ('best', state)):
                    torch.save(
                        dict(state_dict=weights, meta=meta), run.folder / f'{file}.pth'
                    )
                runs.append(run)
        return runs, read_results(runs)

    return make


def write(runs, results, work_dir, export=None):
    said = []
    folder = write_student(runs, results, work_dir, export, said.append)
    return folder, said


def first_value(folder):
    state = torch.load(folder / 'student.pth')['state_dict']
    return float(state['neck.lateral_convs.0.conv.bias'][0])


def test_student_with_the_highest_ap(job, tmp_path):
    # What is learnt from a random teacher is for comparison only.
    runs, results = job(distilled=[0.1, 0.2], other=[0.15], random_teacher=[0.7])
    for run in runs:
        (run.folder / 'best.pth').unlink()
    folder, said = write(runs, results, tmp_path)
    assert folder == tmp_path / 'student'
    assert said == [f'the student of distilled, seed 1 is in {folder}']
    assert sorted(path.name for path in folder.iterdir()) == [
        'README.md', 'student.pth', 'student.py'
    ]  # fmt: skip
    assert first_value(folder) == pytest.approx(0.2)
    assert '| Box AP | 20.0 |' in (folder / 'README.md').read_text()
    assert Config.fromfile(folder / 'student.py').model.type == 'FasterRCNN'


def test_best_checkpoint(job, tmp_path):
    runs, results = job(distilled=[0.1])
    folder, _ = write(runs, results, tmp_path)
    assert first_value(folder) != pytest.approx(0.1)
    # The AP is that of the best epoch.
    assert '| Box AP | 25.0 |' in (folder / 'README.md').read_text()


def test_no_student_is_finished(job, tmp_path):
    runs, _ = job(distilled=[0.1], random_teacher=[0.7])
    shutil.rmtree(runs[2].folder)
    results = read_results(runs)
    assert write(runs, results, tmp_path) == (None, [])
    assert not (tmp_path / 'student').exists()


def test_export(job, tmp_path):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    detector = toys.one_stage()
    model = dict(toys.distilled(None), student=detector, teacher=detector)
    runs, results = job(model, distilled=[0.1])
    folder, said = write(runs, results, tmp_path, 'onnx')
    assert (folder / 'student.onnx').is_file()
    # The images' size in the evaluation, as multiples of 32.
    assert f'{folder}/student.onnx: for images of 96 x 64 pixels' in said[1]


def test_detector_that_cannot_be_exported(job, tmp_path, monkeypatch):
    runs, results = job(distilled=[0.1])
    # That of a former student.
    (tmp_path / 'student').mkdir()
    (tmp_path / 'student/student.onnx').write_text('old')
    folder, said = write(runs, results, tmp_path, 'onnx')
    assert said[1].startswith('note: there is no ONNX file: FasterRCNN cannot be')
    assert not (folder / 'student.onnx').exists()

    def export(model, path, size):
        raise UsageError('install onnx')

    monkeypatch.setattr(student, 'export_onnx', export)
    _, said = write(runs, results, tmp_path, 'onnx')
    assert said[1] == 'note: there is no ONNX file: install onnx'
