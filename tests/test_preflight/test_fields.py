import pytest
import toys
from mmengine.config import Config

from mmreviewkd.preflight.fields import check_fields
from mmreviewkd.preflight.findings import Findings


@pytest.mark.parametrize(
    'wrong, right',
    [
        ('optim_wraper', 'optim_wrapper'),
        ('optimizer_wrapper', 'optim_wrapper'),
        ('custom_hook', 'custom_hooks'),
        ('param_schedulers', 'param_scheduler'),
        ('train_dataloder', 'train_dataloader'),
        ('trian_cfg', 'train_cfg'),
        ('custom_import', 'custom_imports'),
    ],
)
def test_misspelt(wrong, right):
    found = Findings()
    check_fields(Config({wrong: 1}), found)
    (problem,) = found.problems
    assert repr(wrong) in problem and repr(right) in problem


def test_variables_and_fields():
    found = Findings()
    names = ('train_dataset', 'train_pipeline', 'val_evaluator_b', 'conv_cfg', 'lr')
    check_fields(Config(dict.fromkeys(names, 1)), found)
    for path in [*toys.CONFIGS.glob('*.py'), *toys.CONFIGS.glob('*/*.py')]:
        check_fields(Config.fromfile(path), found)
    assert not found.problems
