"""The whole comparison on a tiny set."""

import json
from pathlib import Path

import cv2
import pytest
import torch
from runs import JOB_OPTIONS

from mmreviewkd.job import JobError, cli, run_comparison

REVIEW = """
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', mid_channels=8),
    loss=dict(type='HCLLoss'),
    loss_weight={},
)
"""


@pytest.fixture
def compare(configs, digits, tmp_path, capsys):
    """Compare methods, given by name and file content; return what is printed."""

    def compare(options=JOB_OPTIONS, **methods):
        files = [tmp_path / f'{name}.py' for name in methods]
        for file in files:
            file.write_text(methods[file.stem])
        run_comparison(
            configs,
            files,
            digits,
            work_dir=tmp_path / 'work',
            options=options | {'train_cfg.max_epochs': 1},
        )
        return capsys.readouterr().out

    return compare


def test_comparison(compare, tmp_path, capsys):
    work_dir = tmp_path / 'work'
    # The first method fails, which ends neither the other one nor the report.
    broken = "method = dict(type='NoSuchDistillation')"
    with pytest.raises(JobError, match='1 runs failed.*\n.*broken, seed 0'):
        compare(broken=broken, review=REVIEW.format(1.0))
    out = capsys.readouterr().out
    assert '[4/4 review, seed 0] epoch 1/1' in out
    assert '[3/4 broken, seed 0] failed: KeyError' in out
    assert 'NoSuchDistillation' in (work_dir / 'seed_0/broken/error.txt').read_text()
    table = (work_dir / 'comparison.md').read_text()
    assert table in out
    assert 'Not finished: broken (seed 0).' in table

    # A method is added: only that one is trained.
    out = compare(light=REVIEW.format(0.1), review=REVIEW.format(1.0))
    for line in ('1/4 teacher', '2/4 student', '4/4 review'):
        assert f'[{line}, seed 0] finished before' in out
    assert '[3/4 light, seed 0] epoch 1/1' in out
    table = (work_dir / 'comparison.md').read_text()
    box, mask, _ = table.split('\n\n', 2)
    for part in (box, mask):
        rows = [line.split('|')[1].strip() for line in part.splitlines()[2:]]
        assert rows == ['teacher', 'student alone', 'light', 'review']
    assert cv2.imread(str(work_dir / 'comparison.png')) is not None
    assert (work_dir / 'comparison.csv').read_text().count('\n') == 5

    result = json.loads((work_dir / 'seed_0/light/result.json').read_text())
    assert 0 < result['step_seconds'] < result['training_seconds']
    assert (result['peak_memory'] > 0) == torch.cuda.is_available()

    # Another method of the same name is not taken for the former one.
    with pytest.raises(JobError, match='loss_weight: 0.1 -> 0.2'):
        compare(light=REVIEW.format(0.2))


def test_methods_set_the_distillation(compare):
    options = {'model.distillation.loss_weight': 2.0}
    with pytest.raises(JobError, match='that is what the methods set'):
        compare(options=options, review=REVIEW.format(1.0))


def test_command_line(monkeypatch):
    asked = {}

    def job(configs, **args):
        asked.update(args)
        assert (Path(configs) / 'mrcnn_teacher.py').is_file()

    monkeypatch.setattr(cli, 'run_comparison', job)
    command = 'compare.py set --methods a.py b.py --seeds 1 2 --cfg-options x.y=3'
    monkeypatch.setattr('sys.argv', command.split())
    assert cli.compare() == 0
    assert asked == dict(
        methods=['a.py', 'b.py'],
        folder='set',
        classes=None,
        work_dir=None,
        seeds=[1, 2],
        epochs=None,
        teacher_epochs=None,
        image_size=None,
        options={'x.y': 3},
    )
    monkeypatch.setattr('sys.argv', ['compare.py'])
    assert cli.compare() == 0
    assert 'review' in [path.stem for path in asked['methods']]

    def failing(*args, **kwargs):
        raise JobError('1 runs failed')

    monkeypatch.setattr(cli, 'run_comparison', failing)
    assert cli.compare() == 2
