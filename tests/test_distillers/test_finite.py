import copy
import math

import pytest
import torch
import toys
from mmengine.optim import build_optim_wrapper

from mmreviewkd.distillers import NonFiniteError


@pytest.fixture
def make(tmp_path):
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')

    def build(**changes):
        model = toys.build(toys.distilled(checkpoint, **changes))
        model.init_weights()
        return model.train()

    return build


def step(model, optim, data=None):
    torch.manual_seed(0)
    return model.train_step(data or toys.batch(), optim)


def sgd(model):
    return build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.01)))


def spoil_teacher(model):
    model.teacher.neck.fpn_convs[1].conv.bias.data[0] = math.nan


def spoil_student(model):
    model.neck.fpn_convs[2].conv.bias.data[0] = math.inf


def spoil_connector(model):
    model.distillation[0].connector.levels[0].output.bn.weight.data[3] = math.nan


@pytest.mark.parametrize(
    'spoil, named, not_named',
    [
        (spoil_teacher, ["the teacher's maps, level 1: 128 of"], ['student', 'rpn']),
        (spoil_connector, ["the connector's maps, level 0"], ['student', 'rpn']),
        (spoil_student, ["the student's maps, level 2", 'loss_rpn_cls'], ['teacher']),
    ],
)  # fmt: skip
def test_where_it_comes_from(make, spoil, named, not_named):
    model = make()
    spoil(model)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(NonFiniteError, match='The step was not taken') as error:
        step(model, sgd(model))
    text = str(error.value)
    for part in ['loss_distill is nan', 'in the images [0, 1] of the batch', *named]:
        assert part in text
    assert not any(part in text for part in not_named)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(
            parameter, before[name], rtol=0, atol=0, equal_nan=True
        )


def test_skipped_and_counted(make):
    model = make(non_finite='skip')
    optim = sgd(model)
    before = copy.deepcopy(dict(model.named_parameters()))
    good = model.teacher.neck.fpn_convs[1].conv.bias.data.clone()
    spoil_teacher(model)
    assert step(model, optim)['loss'] == 0
    assert model.skipped_steps == 1
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name
    model.teacher.neck.fpn_convs[1].conv.bias.data = good
    assert step(model, optim)['loss'] > 0
    assert model.skipped_steps == 1
    assert not torch.equal(model.backbone.conv1.weight, before['backbone.conv1.weight'])


def test_ignored(make):
    model = make(non_finite='ignore')
    spoil_teacher(model)
    assert math.isnan(step(model, sgd(model))['loss'])


def test_finite_losses_are_unchanged(make):
    logs = []
    for action in ('stop', 'ignore'):
        torch.manual_seed(1)
        model = make(non_finite=action)
        logs.append({k: v.item() for k, v in step(model, sgd(model)).items()})
        assert not model._maps and not model._log  # Nothing is kept alive.
    assert logs[0] == logs[1]


def test_unknown_action():
    with pytest.raises(ValueError, match="'halt', but has to be one of stop, skip, ig"):
        toys.build(toys.distilled(None, non_finite='halt'))
