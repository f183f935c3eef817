import subprocess
import sys

import pytest
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.registry import MODELS

from mmreviewkd import connectors, losses
from mmreviewkd.register import register_all

NAMES = {
    'AlignConnector',
    'CWDLoss',
    'ConvConnector',
    'CosineDistillLoss',
    'FSPLoss',
    'FreeKDLoss',
    'HCLLoss',
    'IdentityConnector',
    'KLDivLoss',
    'L2DistillLoss',
    'MaskedGenerationConnector',
    'OFDLoss',
    'PKDLoss',
    'PKTLoss',
    'ProjectorConnector',
    'ReverseReviewConnector',
    'ReviewConnector',
    'SPLoss',
    'TorchdistillLoss',
}


@pytest.mark.parametrize('name', sorted(NAMES))
def test_registered_for_all_libraries(name):
    part = getattr(connectors, name, None) or getattr(losses, name)
    assert MODELS.module_dict[name] is part
    assert MMDET_MODELS.get(name) is part


def test_nothing_is_left_out():
    kinds = connectors.Connector, losses.LevelwiseLoss
    every = vars(connectors) | vars(losses)
    found = {
        n
        for n, one in every.items()
        if isinstance(one, type) and issubclass(one, kinds)
    }
    assert found - {kind.__name__ for kind in kinds} == NAMES


def test_built_from_a_config():
    connector = MMDET_MODELS.build(
        dict(type='ReviewConnector', in_channels=[2], out_channels=[3])
    )
    assert isinstance(connector, connectors.ReviewConnector)


def test_registering_again_has_no_effect():
    before = dict(MODELS.module_dict)
    register_all()
    assert MODELS.module_dict == before


def test_a_name_that_is_taken_is_an_error(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, 'HCLLoss', object)
    with pytest.raises(KeyError, match='HCLLoss is already registered'):
        register_all()


@pytest.mark.parametrize('name', ['DistilledModel', 'DistilledDetector'])
def test_a_distilled_model_is_found_in_every_scope(name):
    for key in (name, f'mmdet.{name}', f'mmengine.{name}'):
        assert MODELS.get(key) is MODELS.module_dict[name]
    for key in (name, f'mmdet.{name}'):
        assert MMDET_MODELS.get(key) is MODELS.module_dict[name]


def test_detectors_are_not_loaded_for_losses_and_connectors():
    """Nor anything that draws: both take seconds, and may be missing."""
    code = (
        'import sys, mmreviewkd.losses, mmreviewkd.connectors; '
        "sys.exit(' '.join({'mmdet', 'matplotlib'} & {*sys.modules}) or 0)"
    )
    command = [sys.executable, '-W', 'ignore', '-c', code]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
