import pytest
import torch
import toys

from mmreviewkd.distillers.inherit import inherit

PARTS = ('neck', 'rpn_head', 'roi_head')


def test_what_fits_is_copied_and_the_rest_reported(monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.distillers.inherit.print_log', lambda text, **_: said.append(text)
    )
    student = torch.nn.ModuleDict(
        dict(body=torch.nn.Linear(2, 2), head=torch.nn.Linear(3, 2))
    )
    old = {name: value.clone() for name, value in student.state_dict().items()}
    teacher = torch.nn.ModuleDict(
        dict(body=torch.nn.Linear(2, 2), head=torch.nn.Linear(4, 2))
    ).state_dict()

    inherit(student, teacher, ['head'])

    new = student.state_dict()
    assert torch.equal(new['head.bias'], teacher['head.bias'])
    for name in ('head.weight', 'body.weight', 'body.bias'):
        assert torch.equal(new[name], old[name])
    (text,) = said
    assert '1 of 2 weights of head' in text
    assert 'head.weight: (2, 3), teacher: (2, 4)' in text


@pytest.mark.parametrize(
    'parts, message',
    [
        (['mask'], "no part 'mask'; its parts: body"),
        (['body'], r'body.weight: \(2, 2\), teacher: none'),
    ],
)
def test_nothing_to_inherit(parts, message):
    student = torch.nn.ModuleDict(dict(body=torch.nn.Linear(2, 2, bias=False)))
    with pytest.raises(ValueError, match=message):
        inherit(student, {}, parts)


def test_distilled_detector_inherits_and_then_only_keeps_its_own(tmp_path):
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    torch.manual_seed(0)
    model = toys.build(toys.distilled(checkpoint, inherit=PARTS))
    model.init_weights()
    torch.manual_seed(0)
    plain = toys.build(toys.distilled(checkpoint))
    plain.init_weights()

    teacher = torch.load(checkpoint)['state_dict']
    plain = plain.state_dict()
    for name, value in model.state_dict().items():
        inherited = name.split('.')[0] in PARTS
        assert torch.equal(value, (teacher if inherited else plain)[name]), name
    # Heads are read for this only, and not kept.
    kept = {name for name, _ in model.teacher.model.named_children()}
    assert kept == {'neck', 'backbone'}


@pytest.mark.parametrize('checkpoint', [None, 'random'])
def test_nobody_to_inherit_from(checkpoint):
    model = toys.build(toys.distilled(checkpoint, inherit=PARTS))
    with pytest.raises(ValueError, match='set model.teacher_checkpoint'):
        model.init_weights()


def test_weights_under_a_prefix(tmp_path):
    """Heads too, which the teacher itself does not read."""
    path = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    state = torch.load(path)['state_dict']
    torch.save({f'ema_{name}': value for name, value in state.items()}, path)
    model = toys.build(toys.distilled(path, inherit=('neck', 'roi_head')))
    model.init_weights()
    for name in ('neck.fpn_convs.0.conv.bias', 'roi_head.bbox_head.fc_cls.weight'):
        assert torch.equal(model.state_dict()[name], state[name])
