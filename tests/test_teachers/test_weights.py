"""Checkpoints of every kind, and those that do not fit."""

import pytest
import torch
import toys
from mmengine.runner import save_checkpoint
from safetensors.torch import save_file
from torch import nn

from mmreviewkd.model_config import resolve_model_config
from mmreviewkd.teachers import Teacher
from mmreviewkd.teachers.weights import load_strictly, read_weights

PREFIXES = ['teacher.', 'student.', 'model.', 'ema_', '_orig_mod.', 'architecture.']


class Tiny(nn.Module):
    """Backbone with batch normalisation, and neck."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        self.neck = nn.Conv2d(2, 2, 1)


@pytest.fixture
def state():
    torch.manual_seed(0)
    return {n: torch.rand_like(v.float()) for n, v in Tiny().state_dict().items()}


@pytest.fixture
def log(monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.teachers.weights.print_log', lambda text, **_: said.append(text)
    )
    return said


def save(content, folder):
    path = str(folder / 'weights.pth')
    torch.save(content, path)
    return path


def assert_holds(model, state):
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name].to(value), msg=name)


def load(path, keys=()):
    model = Tiny()
    load_strictly(model, read_weights(path, keys).state, path)
    return model


def under(prefix, state):
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: dict(state_dict=state, meta=dict(epoch=1), optimizer=dict()),
        lambda state: state,
        lambda state: dict(model=state, args=None),
        lambda state: dict(module=state),
        lambda state: dict(state_dict_ema=state, epoch=3),
        lambda state: dict(state_dict=under('module.', state)),
        lambda state: under('module.', state),
    ],
    ids='mmengine bare model module timm_ema parallel bare_parallel'.split(),
)
def test_kinds_of_checkpoints(state, tmp_path, wrap):
    assert_holds(load(save(wrap(state), tmp_path)), state)


def test_safetensors(state, tmp_path):
    path = str(tmp_path / 'weights.safetensors')
    save_file(state, path)
    assert_holds(load(path), state)


def test_the_weights_in_use_come_before_the_averaged(state, tmp_path):
    """MMEngine's EMA hook stores the averaged ones as `state_dict`."""
    other = {name: value + 1 for name, value in state.items()}
    content = dict(
        ema_state_dict=dict(under('module.', other), steps=torch.zeros(1)),
        state_dict=state,
    )
    assert_holds(load(save(content, tmp_path)), state)


@pytest.mark.parametrize('prefix', PREFIXES)
def test_one_prefix_is_passed_over_and_told(state, tmp_path, log, prefix):
    path = save(dict(state_dict=under(prefix, state)), tmp_path)
    assert_holds(load(path), state)
    assert f"there under the prefix '{prefix}'" in log[0]


def test_prefix_of_a_compiled_model_within_another(state, tmp_path):
    path = save(under('module._orig_mod.', state), tmp_path)
    assert_holds(load(path), state)


@pytest.mark.parametrize('first', PREFIXES)
@pytest.mark.parametrize('second', PREFIXES)
def test_several_models_in_one_checkpoint(state, tmp_path, first, second):
    """The message says which there are; what it says to write chooses one."""
    if first == second:
        return
    other = {name: value + 1 for name, value in state.items()}
    path = save({**under(first, state), **under(second, other)}, tmp_path)
    with pytest.raises(ValueError, match='several such models') as error:
        load(path)
    assert repr(first) in str(error.value) and repr(second) in str(error.value)
    advice = str(error.value).rsplit('model.teacher_keys=', 1)[1]
    for prefix, expected in ((first, state), (second, other)):
        pattern = '^' + prefix.replace('.', r'\.')
        assert_holds(load(path, [(pattern, '')]), expected)
    assert_holds(
        load(path, eval(advice)),
        min(
            ((first, state), (second, other)),
            key=lambda one: (one[0].count('.'), one[0]),
        )[1],
    )


def test_prefixes_of_razor_teacher_and_student_of_other_sizes(state, tmp_path):
    """MMRazor keeps both in one file; only one of them has these weights."""
    other = {f'{name}.deeper': value for name, value in state.items()}
    path = save({**under('teacher.', state), **under('architecture.', other)}, tmp_path)
    assert_holds(load(path), state)


def test_prefix_that_the_model_has_and_the_checkpoint_lacks(state, tmp_path, log):
    model = nn.Module()
    model.backbone = Tiny()
    path = save(dict(state, head=torch.zeros(3)), tmp_path)
    load_strictly(model, read_weights(path).state, path)
    assert_holds(model.backbone, state)
    assert "there without the prefix 'backbone.'" in log[0]


def test_keys_are_mapped_in_their_order(state, tmp_path):
    renamed = {
        name.replace('backbone.0', 'stem.conv').replace('neck', 'fpn'): value
        for name, value in state.items()
    }
    keys = [('^stem', 'body'), (r'^body\.conv', 'backbone.0'), ('^fpn', 'neck')]
    path = save(renamed, tmp_path)
    assert_holds(load(path, keys), state)
    assert_holds(load(path, dict(keys)), state)


def test_two_weights_mapped_to_one_name(state, tmp_path):
    """Which of them would be taken is left to nobody."""
    path = save({**under('a.', state), **under('b.', state)}, tmp_path)
    with pytest.raises(ValueError, match=r"'a\.backb.* and 'b\.backb.*teacher_keys"):
        read_weights(path, [('^[ab]\\.', '')])


def test_what_does_not_fit_is_listed(state, tmp_path):
    del state['backbone.0.bias']
    state['backbone.0.more'] = torch.zeros(1)
    state['neck.weight'] = torch.zeros(2, 3, 1, 1)
    path = save(state, tmp_path)
    with pytest.raises(ValueError) as error:
        load(path)
    for line in (
        f"the teacher's checkpoint {path} does not fit its config (backbone, neck)",
        '1 missing in the checkpoint:\n  backbone.0.bias',
        '1 not in the config:\n  backbone.0.more',
        '1 of another shape:\n  neck.weight: (2, 3, 1, 1) in the checkpoint, '
        '(2, 2, 1, 1) in the config',
        'model.teacher_keys=[(PATTERN, REPLACEMENT), ...]',
    ):
        assert line in str(error.value)


def test_what_is_missing_under_a_prefix_is_named(state, tmp_path):
    """A prefix does not hide that a single weight is missing."""
    del state['neck.bias']
    path = save(under('student.', state), tmp_path)
    with pytest.raises(ValueError, match='does not fit') as error:
        load(path)
    assert '1 missing in the checkpoint:\n  neck.bias' in str(error.value)
    assert "'student.'" in str(error.value)


def test_counts_of_batches_may_be_missing(state, tmp_path):
    del state['backbone.1.num_batches_tracked']
    model = load(save(state, tmp_path))
    assert model.backbone[1].num_batches_tracked == 0


@pytest.mark.parametrize('content', [dict(meta=dict()), dict(state_dict=dict())])
def test_no_weights(tmp_path, content):
    with pytest.raises(ValueError, match=rf"holds no weights, but \['{[*content][0]}"):
        read_weights(save(content, tmp_path))


def test_a_file_of_something_else(tmp_path):
    with pytest.raises(ValueError, match='holds no weights, but a list'):
        read_weights(save([1, 2], tmp_path))


@pytest.mark.parametrize('key', ['classes', 'CLASSES'])
def test_classes(state, tmp_path, key):
    meta = dict(dataset_meta={key: ['cat', 'dog']})
    path = save(dict(state_dict=state, meta=meta), tmp_path)
    assert read_weights(path).classes == ('cat', 'dog')
    assert read_weights(save(state, tmp_path)).classes is None


def test_classes_as_version_2_has_them(state, tmp_path):
    path = save(dict(state_dict=state, meta=dict(CLASSES=('cat', 'dog'))), tmp_path)
    assert read_weights(path).classes == ('cat', 'dog')


@pytest.fixture
def run(tmp_path):
    """Config and checkpoint of a distillation run of this project."""
    torch.manual_seed(2)
    model = toys.build(toys.distilled('random'))
    path = str(tmp_path / 'epoch_1.pth')
    meta = dict(dataset_meta=dict(classes=('a', 'b', 'c')))
    save_checkpoint(dict(state_dict=model.state_dict(), meta=meta), path)
    config = tmp_path / 'run.py'
    config.write_text(f'model = {toys.distilled("random")!r}\n')
    return str(config), path, model


def test_a_distilled_student_is_the_next_teacher(run):
    config, path, model = run
    assert not any(name.startswith('distillation') for name in read_weights(path).state)
    for given in (config, dict(_base_=config), toys.distilled('random')):
        teacher = Teacher(given, path)
        teacher.with_heads = True
        teacher.load()
        assert type(teacher.model).__name__ == 'FasterRCNN'
        assert teacher.classes == ('a', 'b', 'c')
        head = teacher.model.roi_head.bbox_head.fc_cls
        assert torch.equal(head.weight, model.roi_head.bbox_head.fc_cls.weight)


def test_a_runs_config_stands_for_its_student(run):
    config, path, model = run
    expected = toys.detector()
    assert resolve_model_config(config) == expected
    student = toys.build(toys.distilled(path, student=config, teacher=config))
    student.init_weights()
    losses = toys.losses(student.train(), toys.batch())
    assert torch.isfinite(losses['loss_distill'])


def test_a_runs_config_with_the_preprocessor_beside_the_student():
    student = toys.detector()
    preprocessor = student.pop('data_preprocessor')
    config = toys.distilled('random', student=student, data_preprocessor=preprocessor)
    assert resolve_model_config(config).data_preprocessor == preprocessor


def test_changes_of_a_runs_config_are_those_of_its_student(run):
    config, *_ = run
    changed = resolve_model_config(dict(_base_=config, backbone=dict(depth=34)))
    assert changed == toys.detector(backbone=dict(toys.detector().backbone, depth=34))
