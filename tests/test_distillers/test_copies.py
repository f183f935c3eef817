"""Copies of a model: pickled, deep, in another precision."""

import copy
import io

import pytest
import torch
import toys


@pytest.fixture(scope='module')
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp('teacher') / 'teacher.pth'
    config = toys.distilled(toys.save_teacher(toys.detector(), path))
    torch.manual_seed(3)
    model = toys.build(config)
    model.init_weights()
    return model.train()


@pytest.fixture(params=[False, True], ids=['plain', 'registered'])
def model(template, request):
    """With a teacher of its own; registered as a module of it, or not."""
    model = copy.deepcopy(template)
    teacher = copy.deepcopy(template.teacher)
    model.lessons = [model.lessons[0]._replace(teacher=teacher)]
    if request.param:
        model.registered_teachers = torch.nn.ModuleList([teacher])
    return model


def pickled(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def assert_equal_losses(one, other, data=None):
    data = data or toys.batch()
    found, expected = (toys.losses(m, copy.deepcopy(data)) for m in (one, other))
    assert list(found) == list(expected) and 'loss_distill' in found
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_pickled_model_predicts_and_learns_as_before(model):
    other = pickled(model)
    assert type(other) is type(model)
    assert isinstance(other, type(toys.build(toys.detector())))
    with torch.no_grad():
        found, expected = (m.eval().test_step(toys.batch()) for m in (other, model))
    for ours, theirs in zip(found, expected, strict=True):
        assert len(theirs.pred_instances)
        for key in theirs.pred_instances.keys():
            assert torch.equal(ours.pred_instances[key], theirs.pred_instances[key])
    assert other.teacher is not model.teacher
    assert_equal_losses(other.train(), model.train())


def test_pickle_after_a_step(model):
    """Whose graph is no part of it."""
    toys.losses(model, toys.batch())
    assert_equal_losses(pickled(model), model)


def test_a_deep_copy_shares_the_teacher_alone(model):
    other = copy.deepcopy(model)
    assert other.teacher is model.teacher
    own = {id(p) for p in model.parameters() if p.requires_grad}
    assert not own & {id(p) for p in other.parameters() if p.requires_grad}
    assert_equal_losses(other, model)


def test_a_deep_copy_records_its_own_features(model):
    """Not those of the model that it was copied from."""
    other = copy.deepcopy(model)
    for parameter in other.neck.parameters():
        parameter.data.zero_()
    found, expected = (toys.losses(m, toys.batch()) for m in (other, model))
    assert found['loss_distill'] != expected['loss_distill']
    del model.neck
    assert toys.losses(other, toys.batch())['loss_distill'] == found['loss_distill']


def test_a_step_in_double_precision(model):
    expected = toys.losses(model, toys.batch())
    state = copy.deepcopy(model.state_dict())
    model.double()
    model.load_state_dict(state)
    losses = toys.losses(model, toys.batch())
    assert {p.dtype for p in model.teacher.parameters()} == {torch.float64}
    for name in ('loss_distill', 'loss_bbox'):
        assert losses[name].dtype == torch.float64
        torch.testing.assert_close(
            losses[name], expected[name].double(), rtol=1e-3, atol=1e-4
        )
    model.parse_losses(losses)[0].backward()
    assert model.distillation[0].connector.levels[0].output.conv.weight.grad.any()


@pytest.mark.parametrize(
    'convert, dtype',
    [
        (lambda model: model.half(), torch.float16),
        (lambda model: model.to(torch.bfloat16), torch.bfloat16),
        (lambda model: model.double(), torch.float64),
        (lambda model: model.double().float(), torch.float32),
    ],
    ids='half bfloat16 double back'.split(),
)
def test_conversions_reach_the_teacher(model, convert, dtype):
    assert convert(model) is model
    for one in (model, model.teacher):
        assert {p.dtype for p in one.parameters()} == {dtype}
        assert {b.dtype for b in one.buffers() if b.is_floating_point()} == {dtype}


def test_double_precision_after_steps_in_single(model):
    """What the teacher has prepared by then is converted too."""
    toys.losses(model, toys.batch())
    losses = toys.losses(model.double(), toys.batch())
    assert losses['loss_distill'].dtype == torch.float64


def test_teacher_of_another_normalisation_in_double_precision(template):
    model = copy.deepcopy(template)
    teacher = copy.deepcopy(template.teacher)
    model.lessons = [model.lessons[0]._replace(teacher=teacher)]
    teacher._preprocessor.mean += 1
    toys.losses(model, toys.batch())
    losses = toys.losses(model.double(), toys.batch())
    assert losses['loss_distill'].dtype == torch.float64


@pytest.mark.parametrize('initialise', [False, True])
def test_teacher_that_is_loaded_after_the_conversion(template, initialise):
    """By init_weights, or else by the first step."""
    model = toys.build(toys.distilled(template.teacher.checkpoint)).double()
    if initialise:
        model.init_weights()
    losses = toys.losses(model.train(), toys.batch())
    assert losses['loss_distill'].dtype == torch.float64
