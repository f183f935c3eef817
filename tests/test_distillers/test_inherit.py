import pytest
import torch
import toys

from mmreviewkd.distillers.inherit import inherit, select_channels

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


def net(width: int, classes: int = 3, depth: int = 1) -> torch.nn.ModuleDict:
    """A backbone, a neck behind it that all share, and a head, in one."""
    blocks = [torch.nn.Conv2d(width, width, 3, bias=False) for _ in range(depth)]
    return torch.nn.ModuleDict(
        dict(
            backbone=torch.nn.Sequential(torch.nn.Conv2d(3, width, 1), *blocks),
            neck=torch.nn.Conv2d(width, 2, 1),
            head=torch.nn.Conv2d(2, classes, 1),
        )
    )


def test_narrower_student_gets_channels_of_the_teacher():
    torch.manual_seed(0)
    student, teacher = net(4), net(6)
    inherit(student, teacher.state_dict(), ['backbone', 'neck', 'head'])

    kept = [0, 1, 3, 4]  # i * 6 // 4
    ours, theirs = student['backbone'], teacher['backbone']
    assert torch.equal(ours[0].weight, theirs[0].weight[kept])
    assert torch.equal(ours[0].bias, theirs[0].bias[kept])
    assert torch.equal(ours[1].weight, theirs[1].weight[kept][:, kept])
    assert torch.equal(student['neck'].weight, teacher['neck'].weight[:, kept])
    assert torch.equal(student['head'].weight, teacher['head'].weight)


def test_channels_that_are_copies_compute_what_the_teacher_does():
    """Where the channels left out repeat those kept, nothing is lost but a factor."""
    torch.manual_seed(0)
    student, teacher = net(2), net(4)
    with torch.no_grad():
        first, second = teacher['backbone']
        first.weight.copy_(first.weight[[0, 0, 2, 2]])
        first.bias.copy_(first.bias[[0, 0, 2, 2]])
        second.weight.copy_(second.weight[[0, 0, 2, 2]][:, [0, 0, 2, 2]])
    inherit(student, teacher.state_dict(), ['backbone'])
    images = torch.rand(1, 3, 4, 4)
    theirs = teacher['backbone'](images)[:, [0, 2]]
    torch.testing.assert_close(student['backbone'](images), theirs / 2)


@pytest.mark.parametrize('wide, narrow', [((4, 2, 3, 3), (4, 2, 1, 1)), ((4,), (4, 1))])
def test_kernels_are_not_cut(wide, narrow):
    assert select_channels(torch.zeros(wide), narrow) is None


def test_neck_alone_is_not_cut():
    """Its channels would be others than those of the student's backbone."""
    student, teacher = net(4), net(6)
    old = student['neck'].weight.clone()
    inherit(student, teacher.state_dict(), ['neck'])
    assert torch.equal(student['neck'].weight, old)
    assert torch.equal(student['neck'].bias, teacher['neck'].bias)


def test_head_for_fewer_classes_is_not_cut():
    student, teacher = net(4, classes=2), net(6, classes=5)
    with pytest.raises(ValueError, match='no weight of head'):
        inherit(student, teacher.state_dict(), ['backbone', 'head'])
    old = student['head'].weight.clone()
    inherit(student, teacher.state_dict(), ['backbone', 'head'], only_fitting=True)
    assert torch.equal(student['head'].weight, old)


def test_backbone_that_does_not_fit_as_a_whole_is_left_out():
    student, teacher = net(4, depth=2), net(6, depth=1)
    old = {name: value.clone() for name, value in student.state_dict().items()}
    inherit(student, teacher.state_dict(), list(student), only_fitting=True)
    for name, value in student.state_dict().items():
        equal = torch.equal(value, old[name])
        # The neck's convolution then has another width than the teacher's.
        assert equal == (name.startswith('backbone') or name == 'neck.weight'), name


def test_all_that_fits_of_a_detector(tmp_path):
    wide = toys.detector(
        backbone=dict(toys.detector().backbone, base_channels=8, stem_channels=8),
        neck=dict(toys.detector().neck, in_channels=[8, 16, 32, 64]),
    )
    path = toys.save_teacher(wide, tmp_path / 'teacher.pth')
    config = toys.distilled(path, teacher=wide, inherit='auto')
    model = toys.build(config)
    model.init_weights()

    teacher = torch.load(path)['state_dict']
    for name, value in model.state_dict().items():
        if not name.startswith(('distillation', 'data_preprocessor')):
            assert torch.equal(value, select_channels(teacher[name], value.shape)), name
    assert not model.start.required


def test_pretrained_backbone_keeps_its_weights(tmp_path):
    pretrained = toys.detector()
    pretrained.backbone.init_cfg = dict(type='Pretrained', checkpoint='weights.pth')
    path = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    model = toys.build(toys.distilled(path, student=pretrained, inherit='auto'))
    assert set(model.start.parts) == {'neck', 'rpn_head', 'roi_head'}


def test_nothing_fits_of_a_teacher_without_a_checkpoint():
    model = toys.build(toys.distilled('random', inherit='auto'))
    plain = toys.build(toys.distilled('random'))
    for one in (model, plain):
        torch.manual_seed(0)
        one.init_weights()
    for name, value in plain.state_dict().items():
        if not name.startswith('distillation'):
            assert torch.equal(model.state_dict()[name], value), name
