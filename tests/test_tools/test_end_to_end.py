"""Train, save, resume, test, publish, and load into stock MMDetection."""

import runpy
from pathlib import Path

import matplotlib
import pytest
import torch
import toys
from coco_sets import write_coco
from mmengine.config import Config
from runs import (
    coco_run,
    last_metrics,
    metrics_in_stock_mmdetection,
    small_run,
    tiny_demo,
)

from mmreviewkd.datasets.digits import make_digits

ROOT = Path(__file__).resolve().parents[2]


def tool(monkeypatch, name, *args):
    """Run a script of tools/ as a user would type it."""
    monkeypatch.setattr('sys.argv', [name, *map(str, args)])
    runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_digits(tmp_path_factory.mktemp('data') / 'digits', 16, 6, seed=0)


def test_from_training_to_stock_mmdetection(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = tiny_demo(data, tmp_path)
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
    names = [n for n in second['state_dict'] if n.startswith('distillation.')]
    assert names
    assert not any('teacher' in name for name in second['state_dict'])

    # The teacher is gone: testing and publishing do without.
    Path(cfg.model.teacher_checkpoint).unlink()
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
    assert not any(n.startswith('distillation.') for n in published['state_dict'])

    # Stock MMDetection: its own class, its own config, its own runner.
    assert str(tmp_path) not in Path('out/student.py').read_text()
    assert 'Box AP' in Path('out/README.md').read_text()
    Path('data').mkdir()
    Path('data', data.name).symlink_to(data)
    plain = Config.fromfile('out/student.py')
    for checkpoint in ('run/epoch_2.pth', 'out/student.pth'):
        state = torch.load(checkpoint, weights_only=False)['state_dict']
        loaded = toys.build(plain.model).load_state_dict(state, strict=False)
        assert not loaded.missing_keys
        assert all(n.startswith('distillation.') for n in loaded.unexpected_keys)
        work_dir = tmp_path / f'stock_{Path(checkpoint).stem}'
        assert metrics_in_stock_mmdetection(plain, checkpoint, work_dir) == expected


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


def test_names_with_formulas_are_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, 'text.parse_math', True)
    monkeypatch.chdir(tmp_path)
    names = (r'$\frac{_$', 'b', 'c')
    data = write_coco(tmp_path / 'data', names=names, images_each=1)
    cfg = coco_run('frcnn_student.py', data, names)
    cfg.model = toys.detector()
    cfg.dump('config.py')
    torch.save(dict(state_dict=toys.build(cfg.model).state_dict()), 'model.pth')
    tool(
        monkeypatch,
        *('test.py', 'config.py', 'model.pth', '--work-dir', 'tested'),
        *('--show-dir', 'shown'),
    )
    assert len(list(Path('tested').rglob('shown/*'))) == 1


def test_checkpoint_of_another_model_is_refused(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cfg = small_run('frcnn_student.py', data)
    cfg.model = toys.detector()
    cfg.dump('config.py')
    toys.save_teacher(toys.detector('mrcnn'), 'model.pth')
    with pytest.raises(SystemExit) as end:
        tool(monkeypatch, 'test.py', 'config.py', 'model.pth', '--work-dir', 'tested')
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert 'error: the checkpoint model.pth does not fit the model' in said
    assert 'roi_head.mask_head' in said and 'Traceback' not in said


def test_out_must_be_a_pickle_file(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        tool(monkeypatch, 'test.py', 'config.py', 'model.pth', '--out', 'a.json')
    assert 'give it .pkl, not a.json' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without a GPU')
def test_amp_without_a_gpu_is_refused(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        tool(monkeypatch, 'train.py', 'config.py', '--amp')
    assert '--amp needs a GPU' in capsys.readouterr().err
