import pytest
from mmdet.models import L1Loss
from mmengine.config import ConfigDict
from mmengine.model import PretrainedInit
from torch import nn
from torch.nn import BatchNorm2d

from mmreviewkd.distillers import build_distilled_model
from mmreviewkd.losses import HCLLoss
from mmreviewkd.model_config import build_model, is_distilled
from mmreviewkd.type_names import by_name, type_name


def test_names():
    assert type_name(dict(type='mmdet.L1Loss')) == 'L1Loss'
    assert type_name(dict(type=L1Loss)) == 'L1Loss'


@pytest.mark.parametrize(
    'kind', ['DistilledModel', 'DistilledDetector', build_distilled_model]
)
def test_distilled(kind):
    assert is_distilled(dict(type=kind))


@pytest.mark.parametrize(
    'kind', ['L1Loss', L1Loss, 'mmdet.models.losses.smooth_l1_loss.L1Loss']
)
def test_registered_name(kind):
    """MMEngine does not find the path: a function hides the module."""
    config = ConfigDict(heads=[dict(loss=dict(type=kind))])
    named = by_name(config)
    assert named.heads[0].loss.type == 'L1Loss'
    assert config.heads[0].loss.type == kind
    assert isinstance(build_model(named.heads[0].loss), L1Loss)


def test_our_own_name():
    assert by_name(dict(type=HCLLoss)) == dict(type='HCLLoss')


def test_another_name_than_the_class():
    config = dict(init_cfg=dict(type=PretrainedInit), norm_cfg=dict(type=BatchNorm2d))
    assert by_name(config) == dict(
        init_cfg=dict(type='Pretrained'), norm_cfg=dict(type='BN')
    )


class Unknown(nn.Module):
    pass


@pytest.mark.parametrize('kind', [Unknown, 'mmdet.L1Loss', 'gone.module.Name', 'Name'])
def test_other_types_stay(kind):
    assert by_name((dict(type=kind), 1)) == (dict(type=kind), 1)
