import runpy
import sys

import pytest
import torch
import toys
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from torch import nn
from torch.utils.data import Dataset

from mmreviewkd.distillers import NonFiniteError


class Numbers(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return dict(inputs=torch.ones(1))


class Bursts(BaseModel):
    """A model that fails at a step, and counts those that it does."""

    at = None
    steps = 0

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor'):
        if Bursts.steps == Bursts.at:
            raise NonFiniteError('losses are not finite')
        Bursts.steps += 1
        return dict(loss=self.layer(torch.stack(inputs)).sum())


CONFIG = dict(
    model=dict(type='Bursts'),
    train_dataloader=dict(
        batch_size=1,
        dataset=dict(type='Numbers'),
        sampler=dict(type='DefaultSampler', shuffle=False),
    ),
    train_cfg=dict(by_epoch=True, max_epochs=3),
    optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
    default_hooks=dict(exact_resume=dict(type='ExactResumeHook')),
)


def test_run_goes_on_after_a_loss_that_is_not_finite(tmp_path, monkeypatch):
    """At the second of three steps of the second epoch, say with another rate."""
    monkeypatch.setitem(MODELS.module_dict, 'Bursts', Bursts)
    monkeypatch.setitem(DATASETS.module_dict, 'Numbers', Numbers)
    monkeypatch.chdir(tmp_path)
    Config(CONFIG).dump('config.py')

    def train(*more):
        args = ['train.py', 'config.py', '--work-dir', 'run', *more]
        monkeypatch.setattr(sys, 'argv', args)
        script = toys.CONFIGS.parent / 'tools' / 'train.py'
        runpy.run_path(str(script), run_name='__main__')

    monkeypatch.setattr(Bursts, 'at', 4)
    monkeypatch.setattr(Bursts, 'steps', 0)
    with pytest.raises(NonFiniteError):
        train()
    monkeypatch.setattr(Bursts, 'at', None)
    train('--resume', 'run/non_finite_iter_4.pth')
    assert Bursts.steps == 9
