from types import SimpleNamespace

import pytest
import torch
import toys
from mmdet.models import DetTTAModel

from mmreviewkd.hooks import StrictLoadHook


def load(model, state):
    hook = StrictLoadHook('model.pth')
    hook.after_load_checkpoint(SimpleNamespace(model=model), dict(state_dict=state))


@pytest.fixture(scope='module')
def model():
    return toys.build(toys.distilled(None))


@pytest.fixture
def state(model):
    return {name: value.clone() + 1 for name, value in model.state_dict().items()}


def test_own_checkpoint(model, state):
    load(model, state)
    load(model, {f'module.{name}': value for name, value in state.items()})
    assert torch.equal(
        model.state_dict()['neck.lateral_convs.0.conv.bias'],
        state['neck.lateral_convs.0.conv.bias'],
    )


def test_test_time_augmentation(model, state):
    tta = DetTTAModel(module=model)
    load(tta, state)
    del state['neck.lateral_convs.0.conv.bias']
    with pytest.raises(ValueError, match='1 missing'):
        load(tta, state)


def test_distillation_has_no_part_in_it(model, state):
    own = {n: v for n, v in state.items() if not n.startswith('distillation.')}
    load(model, own)
    load(toys.build(toys.detector()), state)
    of_another = own | {
        n: v.flatten() for n, v in state.items() if n.startswith('distillation.')
    }
    load(model, of_another)


def test_missing_and_left_over(model, state):
    state['backbone.other.weight'] = state.pop('backbone.conv1.weight')
    with pytest.raises(ValueError, match='model.pth does not fit') as error:
        load(model, state)
    assert '1 missing in the checkpoint:\n  backbone.conv1.weight' in str(error.value)
    assert '1 not in the config:\n  backbone.other.weight' in str(error.value)


def test_other_number_of_classes(model, state):
    name = 'roi_head.bbox_head.fc_cls.weight'
    state[name] = state[name][:2]
    with pytest.raises(ValueError, match=f'size mismatch for {name}'):
        load(model, state)


def test_batches_that_were_not_counted(model, state):
    """In checkpoints from before PyTorch 1.0."""
    load(model, {n: v for n, v in state.items() if 'num_batches' not in n})
