from argparse import Namespace

import pytest
import toys
from mmengine.config import Config

from mmreviewkd.errors import UsageError
from mmreviewkd.estimate.command import run


@pytest.fixture
def args(tmp_path):
    cfg = Config(
        dict(
            model=toys.distilled(None),
            train_dataloader=dict(batch_size=2),
            train_cfg=dict(max_epochs=12),
        )
    )
    cfg.dump(tmp_path / 'pair.py')
    return Namespace(
        configs=[str(tmp_path / 'pair.py')],
        gpus=8,
        gpu='A100',
        batch=None,
        amp=False,
        size=(64, 96),
        images=1000,
        epochs=None,
    )


def test_table_has_the_student_alone_and_distilled(args, capsys):
    run(args)
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split('|')[1:-1] for line in lines if line.startswith('| pair')]
    assert [row[1].strip() for row in rows] == ['alone', 'distilled']
    alone, distilled = ([float(cell) for cell in row[2:9]] for row in rows)
    # Of so small a detector the launching counts: milliseconds, images a second, hours.
    assert distilled[2] > alone[2]
    assert distilled[3] < alone[3]
    assert '8 x A100, float32, 64x96' in lines


def test_models_are_of_the_runs_library(args, other_library, capsys):
    other_library.register_module('Net', module=toys.Classifier)
    preprocessor = dict(type='ImageBatchPreprocessor', mean=[120] * 3, std=[60] * 3)
    model = dict(type='Net', data_preprocessor=preprocessor)
    cfg = Config.fromfile(args.configs[0])
    cfg.default_scope = 'other'
    cfg.model = toys.distilled('random', student=model, teacher=dict(model))
    cfg.dump(args.configs[0])
    run(args)
    assert capsys.readouterr().out.count('| pair') == 2


def test_this_machine_is_measured_too(args, capsys):
    args.gpu, args.gpus = 'cpu', 1
    run(args)
    out = capsys.readouterr().out
    assert out.count('s predicted') == 2
    assert '1 x CPU' in out


def test_unknown_card(args):
    args.gpu = 'H1000'
    with pytest.raises(UsageError, match='card H1000: write one of H200, H100'):
        run(args)
