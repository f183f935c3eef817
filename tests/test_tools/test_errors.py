"""What the scripts say where a file is missing or a config does not fit."""

import builtins
import runpy

import pytest
import torch
import toys
from coco_sets import write_coco
from runs import coco_run

TOOLS = toys.CONFIGS.parent / 'tools'
SMALL = str(toys.CONFIGS / 'small/reviewkd_frcnn.py')
PLAIN = str(toys.CONFIGS / 'small/frcnn_student.py')
RANDOM = ['--cfg-options', 'model.teacher_checkpoint=random']


@pytest.fixture
def error_of(monkeypatch, capsys):
    """Run a script that fails, and return the last line that it writes."""

    def run(script, *args):
        monkeypatch.setattr('sys.argv', [script, *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOLS / script), run_name='__main__')
        assert end.value.code == 2
        said = capsys.readouterr().err
        assert 'Traceback' not in said
        (line,) = [line for line in said.splitlines() if line.startswith('error: ')]
        return line

    return run


@pytest.mark.parametrize(
    'script, rest',
    [
        ('attention.py', ['CHECKPOINT', 'IMAGE', '--out-dir', 'DIR']),
        ('benchmark.py', []),
        ('benchmark_growth.py', ['PLOT']),
        ('parameters.py', []),
        ('preflight.py', []),
        ('publish_student.py', ['CHECKPOINT', 'DIR']),
        ('report.py', []),
        ('test.py', ['CHECKPOINT']),
        ('train.py', []),
    ],
)
def test_missing_config(script, rest, error_of, tmp_path):
    assert 'gone.py' in error_of(script, tmp_path / 'gone.py', *rest)


@pytest.mark.parametrize('script', ['publish_student.py', 'attention.py'])
def test_missing_checkpoint(script, error_of, tmp_path):
    image = tmp_path / 'image.png'
    image.touch()
    rest = {
        'publish_student.py': [tmp_path],
        'attention.py': [image, '--out-dir', tmp_path, *RANDOM],
    }[script]
    assert 'gone.pth' in error_of(script, SMALL, tmp_path / 'gone.pth', *rest)


def test_missing_image(error_of, tmp_path):
    line = error_of(
        'attention.py', SMALL, 'CHECKPOINT', 'gone.png', '--out-dir', tmp_path
    )
    assert "there is no image 'gone.png'" in line


@pytest.mark.parametrize('script', ['publish_student.py', 'attention.py'])
def test_plain_student(script, error_of, tmp_path):
    checkpoint = tmp_path / 'student.pth'
    torch.save(dict(state_dict={}), checkpoint)
    rest = {
        'publish_student.py': [tmp_path],
        'attention.py': ['IMAGE', '--out-dir', tmp_path],
    }[script]
    line = error_of(script, PLAIN, checkpoint, *rest)
    assert 'model.type is FasterRCNN, not DistilledModel' in line


@pytest.mark.parametrize('script', ['publish_student.py', 'attention.py', 'test.py'])
def test_damaged_checkpoint(script, error_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / 'damaged.pth'
    checkpoint.write_bytes(b'not a checkpoint')
    image = tmp_path / 'image.png'
    image.touch()
    rest = {
        'publish_student.py': [tmp_path],
        'attention.py': [image, '--out-dir', tmp_path, *RANDOM],
        'test.py': [],
    }[script]
    config = SMALL
    if script == 'test.py':
        data = write_coco(tmp_path / 'data')
        cfg = coco_run('frcnn_student.py', data, ('cat', 'dog'))
        cfg.model = toys.detector()
        config = tmp_path / 'config.py'
        cfg.dump(config)
    assert 'damaged.pth cannot be read' in error_of(script, config, checkpoint, *rest)


@pytest.mark.parametrize('text', ['model = dict(', '1 / 0', '_base_ = "x.py"'])
def test_broken_config(text, error_of, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(text)
    line = error_of('preflight.py', config)
    assert 'config.py cannot be read as a config' in line or 'x.py' in line


@pytest.mark.parametrize(
    'option, expected',
    [
        ('custom_hooks', 'write KEY=VALUE'),
        ('custom_hooks=[dict(type=X)]', 'the value cannot be read'),
        ('custom_hooks=[dict(type=X,a=1)]', 'the value cannot be read'),
        ('custom_hooks=[(1,2]', 'the value cannot be read'),
        ('optim_wrapper.optimizer.lr.x=1', 'does not fit the config'),
        ('train_dataloder.batch_size=2', 'near it are train_dataloader'),
    ],
)
def test_changes_of_the_config(option, expected, error_of):
    assert expected in error_of('preflight.py', SMALL, '--cfg-options', option)


@pytest.mark.parametrize('script', sorted(path.name for path in TOOLS.glob('*.py')))
def test_help_imports_nothing_heavy(script, monkeypatch, capsys):
    loaded = []
    original = builtins.__import__

    def note(name, *args, **options):
        loaded.append(name.split('.')[0])
        return original(name, *args, **options)

    monkeypatch.setattr(builtins, '__import__', note)
    monkeypatch.setattr('sys.argv', [script, '--help'])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOLS / script), run_name='__main__')
    assert end.value.code in (0, None)
    assert 'usage' in capsys.readouterr().out
    assert not {'torch', 'mmengine', 'mmdet', 'mmcv', 'mmreviewkd'} & set(loaded)
