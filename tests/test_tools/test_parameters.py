import runpy
import sys

import pytest
import toys
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn

PREPROCESSOR = dict(type='ImgDataPreprocessor')


class Normalised(BaseModel):
    """A model that cannot be built without a data preprocessor."""

    def __init__(self, data_preprocessor):
        super().__init__(data_preprocessor)
        self.backbone = nn.Conv2d(3, 1000, 1, bias=False)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.backbone(inputs)


DISTILLED = dict(
    type='DistilledModel',
    student=dict(type='Normalised'),
    teacher=dict(type='Normalised', data_preprocessor=PREPROCESSOR),
    teacher_checkpoint='random',
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='IdentityConnector'),
        loss=dict(type='L2DistillLoss'),
    ),
)


@pytest.mark.parametrize(
    ('model', 'row'),
    [
        (dict(type='Normalised'), '|  |  | 0.00 |  |'),
        (DISTILLED, '| 0.00 | 0.00 | 0.00 | 0.00 |'),
    ],
)
def test_data_preprocessor_beside_the_model(model, row, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS.module_dict, 'Normalised', Normalised)
    config = tmp_path / 'beside.py'
    Config(dict(model=model, data_preprocessor=PREPROCESSOR)).dump(config)
    monkeypatch.setattr(sys, 'argv', ['parameters.py', str(config)])
    runpy.run_path(
        str(toys.CONFIGS.parent / 'tools' / 'parameters.py'), run_name='__main__'
    )
    assert f'| `beside.py` {row}' in capsys.readouterr().out
