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
    model.teacher.model.neck.fpn_convs[1].conv.bias.data[0] = math.nan


def spoil_student(model):
    model.neck.fpn_convs[2].conv.bias.data[0] = math.inf


def spoil_connector(model):
    model.distillation[0].connector.levels[0].output.bn.weight.data[3] = math.nan


IMAGES = 'in the images [0, 1] of the batch'


@pytest.mark.parametrize(
    'spoil, named, not_named',
    [
        (
            spoil_teacher,
            ["the teacher's neck[1] (stride 8, 8 channels): 128 of", IMAGES],
            ['student', 'rpn'],
        ),
        (spoil_connector, ['distill_level_0 is nan'], ['student', 'rpn', 'level_1']),
        (
            spoil_student,
            ["the student's neck[2] (stride 16", 'loss_rpn_cls', IMAGES],
            ['teacher'],
        ),
    ],
)
def test_where_it_comes_from(make, spoil, named, not_named):
    model = make()
    spoil(model)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(NonFiniteError, match='The step was not taken') as error:
        step(model, sgd(model))
    text = str(error.value)
    for part in ['loss_distill is nan', *named]:
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
    good = model.teacher.model.neck.fpn_convs[1].conv.bias.data.clone()
    spoil_teacher(model)
    assert step(model, optim)['loss'] == 0
    assert model.skipped_steps == 1
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name
    model.teacher.model.neck.fpn_convs[1].conv.bias.data = good
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
        assert not model._recorder._calls  # Nothing is kept alive.
    assert logs[0] == logs[1]


@pytest.mark.parametrize('levels', [[16, 32], [(2, 2), (3, 3)]])
def test_levels_are_named_as_the_models_count_them(make, levels):
    """Both sides count alike, also where levels are left out."""
    model = make(levels=levels)
    model.teacher.model.neck.fpn_convs[3].conv.bias.data[0] = math.nan
    model.neck.fpn_convs[2].conv.bias.data[0] = math.inf
    with pytest.raises(NonFiniteError) as error:
        step(model, sgd(model))
    assert "teacher's neck[3] (stride 32" in str(error.value)
    assert "student's neck[2] (stride 16" in str(error.value)


@pytest.mark.parametrize('action', ['stop', 'skip'])
@pytest.mark.parametrize('distilling', [True, False])
def test_statistics_of_a_bad_step_are_put_back(make, action, distilling):
    """One bad activation would leave batch normalisation infinite for good."""
    model = make(non_finite=action)
    model.distill_strength = float(distilling)
    optim = sgd(model)
    step(model, optim)
    before = {name: value.clone() for name, value in model.named_buffers()}
    handle = model.backbone.conv1.register_forward_hook(
        lambda module, inputs, output: output * math.inf
    )
    if action == 'stop':
        with pytest.raises(NonFiniteError):
            step(model, optim)
    else:
        step(model, optim)
    handle.remove()
    for name, value in model.named_buffers():
        assert torch.equal(value, before[name]), name
    step(model, optim)
    assert all(value.isfinite().all() for _, value in model.named_buffers())


def test_unknown_action():
    with pytest.raises(ValueError, match="'halt', but has to be one of stop, skip, ig"):
        toys.build(toys.distilled(None, non_finite='halt'))
