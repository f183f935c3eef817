import copy
import pickle

import pytest
import torch
from torch import nn

from mmreviewkd.features import Feature, FeatureRecorder


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.once = nn.Linear(2, 3)
        self.twice = nn.ReLU()
        self.never = nn.ReLU()

    def forward(self, x):
        return self.twice(self.twice(self.once(x)))


def test_one_call_is_recorded_with_inputs_and_output():
    model = Twice()
    recorder = FeatureRecorder(model, ['once', 'once'], 'student')
    x = torch.rand(4, 2)
    with recorder:
        model(x)
    call = recorder.call('once')
    assert call.inputs[0] is x
    assert torch.equal(call.output, model.once(x))
    (found,) = recorder.features([Feature('once', 0, 3)])
    assert found is call.output
    recorder.clear()
    assert not recorder._calls


def test_all_calls_in_their_order():
    model = Twice()
    recorder = FeatureRecorder(model, ['twice'])
    x = torch.rand(4, 2)
    with recorder:
        out = model(x)
    first, second = recorder.calls('twice')
    assert second.inputs[0] is first.output and second.output is out


@pytest.mark.parametrize('name, often', [('twice', '2 times'), ('never', 'not at all')])
def test_a_module_that_is_not_called_once_is_named(name, often):
    model = Twice()
    recorder = FeatureRecorder(model, [name], 'teacher')
    with recorder:
        model(torch.rand(1, 2))
    message = f"teacher's module '{name}' was called {often}.*model.teacher_features"
    with pytest.raises(RuntimeError, match=message):
        recorder.call(name)


def test_nothing_is_recorded_outside_of_the_block():
    model = Twice()
    recorder = FeatureRecorder(model, ['once'])
    with recorder:
        model(torch.rand(1, 2))
    model(torch.rand(5, 2))
    assert len(recorder.call('once').output) == 1


@pytest.mark.parametrize(
    'copied', [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))]
)
def test_a_copy_records_for_itself(copied):
    model = Twice()
    recorder = FeatureRecorder(model, ['once'])
    other, others_recorder = copied((model, recorder))
    with others_recorder:
        other(torch.rand(1, 2))
    assert others_recorder.call('once')
    assert not recorder._calls


def test_a_name_that_is_near():
    with pytest.raises(ValueError, match=r"teacher Twice has no module 'onc'.*'once'"):
        FeatureRecorder(Twice(), ['onc'], 'teacher')
