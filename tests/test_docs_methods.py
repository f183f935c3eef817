"""The code on the page on methods of one's own runs."""

import re
import sys
from pathlib import Path

import pytest
import torch
import toys
from mmdet.registry import MODELS
from mmengine.config import Config

from mmreviewkd.job.method import read_methods

PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'methods.md'
MODULES = ('cosine_loss', 'box_distillation')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder with the page's files, each named in its first line."""
    text = PAGE.read_text()
    blocks = re.findall(r'^```python\n# (\w+\.py)\n(.*?)^```$', text, re.M | re.S)
    assert len(blocks) == text.count('```python')
    for name, code in blocks:
        # Here the package need not be installed.
        code = code.replace('mmreviewkd::', f'{toys.CONFIGS}/')
        (tmp_path / name).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for module in MODULES:
        sys.modules.pop(module, None)
    for name in ('CosineLoss', 'BoxDistillation'):
        MODELS.module_dict.pop(name, None)


@pytest.mark.parametrize('name', ['cosine', 'box'])
def test_method_teaches(folder, name, tmp_path):
    (method,) = read_methods([folder / f'{name}.py'])
    assert method.name == name
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    distillation = method.model['distillation']
    model = toys.build(toys.distilled(checkpoint, distillation=distillation))
    model.init_weights()
    model.train()
    losses = toys.losses(model, toys.batch())
    assert losses['loss_distill'] > 0
    loss, _ = model.parse_losses(losses)
    loss.backward()
    for _, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None
    taught = torch.autograd.grad(
        toys.losses(model, toys.batch())['loss_distill'],
        model.backbone.conv1.weight,
    )
    assert taught[0].abs().sum() > 0


def test_cosine_by_hand(folder):
    (method,) = read_methods([folder / 'cosine.py'])
    loss = MODELS.build(method.model['distillation']['loss'])
    a = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    b = torch.tensor([3.0, 3.0]).view(1, 2, 1, 1)
    assert loss([a, a], [2 * a, b]) == pytest.approx(1 - 0.5**0.5)


def test_config_of_a_pair_is_that_of_the_method(folder):
    cfg = Config.fromfile(folder / 'cosine_frcnn.py')
    (method,) = read_methods([folder / 'cosine.py'])
    assert cfg.model.distillation == method.model['distillation']
    assert cfg.custom_imports['imports'] == ['mmreviewkd', *method.imports]
    assert cfg.model.teacher.endswith('frcnn_teacher.py')
