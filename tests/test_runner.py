import logging
from array import array
from types import SimpleNamespace

import mmengine.runner
import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmreviewkd.runner import Runner


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.setattr(Runner, 'world_size', 4)
    return Runner(
        model=torch.nn.Linear(1, 1),
        work_dir=str(tmp_path),
        train_dataloader=dict(batch_size=2),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        experiment_name=tmp_path.name,
    )


def test_data_sets_of_training_are_compact(runner, monkeypatch):
    dataset = SimpleNamespace(cat_img_map={7: [0, 1]})
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    monkeypatch.setattr(mmengine.runner.Runner, 'build_train_loop', lambda *_: loop)
    assert runner.build_train_loop({}) is loop
    assert dataset.cat_img_map == {7: array('q', [0, 1])}


def wrap(counts, lr=0.1):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
    return OptimWrapper(optimizer, accumulative_counts=counts)


def lr(wrapper):
    return wrapper.optimizer.param_groups[0]['lr']


@pytest.mark.parametrize(
    # Of 4 processes with batches of 2.
    'counts, base, expected',
    [(1, 8, 0.1), (4, 8, 0.4), (4, 32, 0.1), (3, 4, 0.6)],
)
def test_learning_rate_follows_the_effective_batch(runner, counts, base, expected):
    wrapper = wrap(counts)
    scale = dict(enable=True, base_batch_size=base)
    runner.scale_lr(wrapper, scale)
    assert lr(wrapper) == pytest.approx(expected)
    # What goes into the written config stays.
    assert scale == dict(enable=True, base_batch_size=base)


@pytest.mark.parametrize('scale', [None, dict(enable=False, base_batch_size=1)])
def test_off(runner, scale):
    wrapper = wrap(4)
    runner.scale_lr(wrapper, scale)
    assert lr(wrapper) == 0.1


def test_each_of_several_optimizers(runner):
    wrappers = OptimWrapperDict(one=wrap(1), other=wrap(4))
    runner.scale_lr(wrappers, dict(enable=True, base_batch_size=8))
    assert [lr(one) for one in wrappers.values()] == pytest.approx([0.1, 0.4])


def test_it_is_said(runner, caplog):
    caplog.set_level(logging.INFO)
    runner.logger.addHandler(caplog.handler)
    runner.scale_lr(wrap(4), dict(enable=True, base_batch_size=8))
    assert 'gradients of 4 batches are accumulated' in caplog.text
    assert 'base_batch_size were 2 instead of 8' in caplog.text
