"""What the scripts say where a file is missing or a config does not fit."""

import runpy

import pytest
import torch
import toys

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
