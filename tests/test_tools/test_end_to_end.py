"""Train, save, resume, test, publish, and load into stock MMDetection."""

import json
import runpy
from pathlib import Path

import pytest
import torch
import toys
from mmengine.config import Config
from mmengine.runner import Runner

from mmreviewkd.datasets.digits import make_digits

ROOT = Path(__file__).resolve().parents[2]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def tool(monkeypatch, name, *args):
    """Run a script of tools/ as a user would type it."""
    monkeypatch.setattr('sys.argv', [name, *map(str, args)])
    runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')


def small_run(config, data, epochs=1):
    """A config of configs/small on a handful of images."""
    cfg = Config.fromfile(ROOT / 'configs' / 'small' / config)
    for loader in LOADERS:
        cfg[loader].dataset.data_root = f'{data}/'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.ann_file = f'{data}/annotations/instances_val.json'
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.randomness = dict(seed=0)
    return cfg


def last_metrics(work_dir):
    """The scalars of a test run, from MMEngine's own log."""
    (path,) = work_dir.glob('*/*.json')
    return json.loads(path.read_text().splitlines()[-1])


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_digits(tmp_path_factory.mktemp('data') / 'digits', 16, 6, seed=0)


def test_from_training_to_stock_mmdetection(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    student = toys.detector('mrcnn')
    for head in (student.roi_head.bbox_head, student.roi_head.mask_head):
        head.num_classes = 10
    # Everything above this score: an untrained detector must have detections to
    # compare.
    student.test_cfg.rcnn.score_thr = 0.0
    teacher = toys.save_teacher(student, tmp_path / 'teacher.pth')
    cfg = small_run('reviewkd_mrcnn.py', data)
    cfg.model.update(student=student, teacher=student, teacher_checkpoint=teacher)
    cfg.dump(tmp_path / 'distil.py')
    options = ['--cfg-options', 'train_cfg.max_epochs=2']

    # One epoch, then the second in another run.
    tool(monkeypatch, 'train.py', 'distil.py', '--work-dir', 'run')
    first = torch.load('run/epoch_1.pth', weights_only=False)
    tool(
        monkeypatch, 'train.py', 'distil.py', '--work-dir', 'run', '--resume', *options
    )
    second = torch.load('run/epoch_2.pth', weights_only=False)
    # 16 images in batches of 4: four iterations an epoch.
    assert (first['meta']['iter'], second['meta']['iter']) == (4, 8)
    steps = {int(s['step']) for s in second['optimizer']['state'].values()}
    assert steps == {8}
    names = [n for n in second['state_dict'] if n.startswith('connector.')]
    assert names
    assert not any('teacher' in name for name in second['state_dict'])

    # The teacher is gone: testing and publishing do without.
    Path(teacher).unlink()
    tool(
        monkeypatch,
        *('test.py', 'distil.py', 'run/epoch_2.pth', '--work-dir', 'tested'),
        *('--out', 'predictions.pkl', '--show-dir', 'shown'),
    )
    assert Path('predictions.pkl').is_file()
    assert list(Path('tested').rglob('shown/**/*.jpg'))
    expected = last_metrics(Path('tested'))
    tool(monkeypatch, 'publish_student.py', 'distil.py', 'run/epoch_2.pth', 'out')
    published = torch.load('out/student.pth', weights_only=True)
    assert 'optimizer' not in published
    assert not any(n.startswith('connector.') for n in published['state_dict'])

    # Stock MMDetection: its own class, its own config, its own runner.
    plain = Config.fromfile('out/student.py')
    assert plain.model.type == 'MaskRCNN'
    assert 'mmreviewkd' not in Path('out/student.py').read_text()
    for checkpoint in ('run/epoch_2.pth', 'out/student.pth'):
        plain.work_dir = f'stock_{Path(checkpoint).stem}'
        plain.load_from = checkpoint
        runner = Runner.from_cfg(plain)
        state = torch.load(checkpoint, weights_only=False)['state_dict']
        loaded = runner.model.load_state_dict(state, strict=False)
        assert not loaded.missing_keys
        assert all(n.startswith('connector.') for n in loaded.unexpected_keys)
        assert type(runner.model).__name__ == 'MaskRCNN'
        runner.test()
        assert last_metrics(Path(plain.work_dir)) == expected | {
            key: value
            for key, value in last_metrics(Path(plain.work_dir)).items()
            if 'time' in key
        }


def test_test_time_augmentation(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # MMDetection's test-time augmentation knows boxes only.
    student = toys.detector()
    student.roi_head.bbox_head.num_classes = 10
    config = toys.distilled(None, student=student, teacher=student)
    model = toys.build(config)
    torch.save(dict(state_dict=model.state_dict()), 'model.pth')
    cfg = small_run('reviewkd_frcnn.py', data)
    cfg.model = config
    cfg.dump('distil.py')
    tool(
        monkeypatch,
        *('test.py', 'distil.py', 'model.pth', '--work-dir', 'tested', '--tta'),
    )
    assert 'coco/bbox_mAP' in last_metrics(tmp_path / 'tested')


def test_out_must_be_a_pickle_file(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        tool(monkeypatch, 'test.py', 'config.py', 'model.pth', '--out', 'a.json')
    assert 'give it .pkl, not a.json' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without a GPU')
def test_amp_without_a_gpu_is_refused(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        tool(monkeypatch, 'train.py', 'config.py', '--amp')
    assert '--amp needs a GPU' in capsys.readouterr().err
