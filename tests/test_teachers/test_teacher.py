import pytest
import torch
import toys
from mmdet.registry import MODELS as MMDET_MODELS

from mmreviewkd.teachers import Teacher


@pytest.fixture
def config():
    return toys.detector()


@pytest.fixture
def checkpoint(config, tmp_path):
    return toys.save_teacher(config, tmp_path / 'teacher.pth')


def run(teacher, config):
    """The teacher's maps of one batch that the student has normalised."""
    student = toys.build(config)
    data = student.data_preprocessor(toys.batch(), training=True)
    maps = teacher(data['inputs'], data['data_samples'], student.data_preprocessor)
    return data, maps


def test_maps_are_those_of_the_whole_detector(config, checkpoint):
    teacher = Teacher(config, checkpoint, 'float32')
    data, maps = run(teacher, config)
    detector = toys.build(config).eval()
    detector.load_state_dict(torch.load(checkpoint)['state_dict'])
    with torch.no_grad():
        expected = detector.extract_feat(data['inputs'])
    assert len(maps) == len(expected) == 5
    for ours, theirs in zip(maps, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        assert not ours.requires_grad


def test_only_backbone_and_neck_are_built(config, checkpoint):
    teacher = Teacher(config, checkpoint)
    teacher.load()
    assert {name for name, _ in teacher.model.named_children()} == {'backbone', 'neck'}


def test_heads_are_built_where_they_are_asked_for(config, checkpoint):
    teacher = Teacher(config, checkpoint, 'float32')
    teacher.with_heads = True
    teacher.load()
    data, maps = run(teacher, config)
    detector = toys.build(config).eval()
    state = torch.load(checkpoint)['state_dict']
    detector.load_state_dict(state)
    heads = {name: value for name, value in state.items() if 'head' in name}
    assert heads
    for name, value in heads.items():
        assert torch.equal(teacher.model.state_dict()[name], value)
    rois = torch.tensor([[0.0, 2, 2, 30, 30], [1, 8, 0, 40, 20]])
    found = teacher.model.roi_head._bbox_forward(maps, rois)['cls_score']
    with torch.no_grad():
        feats = detector.extract_feat(data['inputs'])
        expected = detector.roi_head._bbox_forward(feats, rois)['cls_score']
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not found.requires_grad
    assert not any(module.training for module in teacher.modules())
    assert teacher.model.rpn_head.test_cfg and teacher.model.roi_head.test_cfg


def test_heads_are_read_strictly(config, checkpoint, tmp_path):
    name = 'roi_head.bbox_head.fc_cls.weight'
    broken = edited(checkpoint, lambda s: s.pop(name), tmp_path / 'broken.pth')
    teacher = Teacher(config, broken)
    teacher.with_heads = True
    with pytest.raises(ValueError, match=f'1 missing in the checkpoint:\n  {name}'):
        teacher.load()


def test_nothing_is_read_before_it_is_needed():
    assert not Teacher('/nowhere/config.py', '/nowhere/teacher.pth').loaded


def test_evaluation_mode_whatever_anyone_calls(config, checkpoint):
    teacher = Teacher(config, checkpoint)
    teacher.load()
    teacher.train()
    assert not any(module.training for module in teacher.modules())
    teacher.backbone.layer1.train()
    run(teacher, config)
    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())


def test_follows_the_images_to_their_device(config, checkpoint):
    teacher = Teacher(config, checkpoint)
    teacher.load()
    preprocessor = toys.build(config).data_preprocessor
    images = torch.empty(1, 3, 64, 64, device='meta')
    maps = teacher(images, [], preprocessor)
    assert {m.device.type for m in maps} == {'meta'}
    assert {p.device.type for p in teacher.parameters()} == {'meta'}


def test_class_chooses_the_type_of_its_preprocessor(config, checkpoint, monkeypatch):
    """As MMPretrain's classifiers do."""

    class Choosing(MMDET_MODELS.get('FasterRCNN')):
        def __init__(self, data_preprocessor, **kwargs):
            chosen = dict(data_preprocessor, type='DetDataPreprocessor')
            super().__init__(data_preprocessor=chosen, **kwargs)

    monkeypatch.setitem(MMDET_MODELS.module_dict, 'Choosing', Choosing)
    preprocessor = dict(config.data_preprocessor)
    del preprocessor['type']
    choosing = dict(config, type='Choosing', data_preprocessor=preprocessor)
    teacher, usual = Teacher(choosing, checkpoint), Teacher(config, checkpoint)
    for one in (teacher, usual):
        one.load()
    maps = [run(one, config)[1] for one in (teacher, usual)]
    for ours, theirs in zip(*maps, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def edited(checkpoint, edit, path):
    content = torch.load(checkpoint)
    edit(content['state_dict'])
    torch.save(content, path)
    return str(path)


@pytest.mark.parametrize(
    ('edit', 'message'),
    [
        (
            lambda s: s.pop('neck.fpn_convs.1.conv.weight'),
            '1 missing in the checkpoint:\n  neck.fpn_convs.1.conv.weight',
        ),
        (
            lambda s: s.update({'backbone.extra': torch.zeros(1)}),
            '1 not in the config:\n  backbone.extra',
        ),
        (
            lambda s: s.update({'backbone.conv1.weight': torch.zeros(1, 2)}),
            r'1 of another shape:\n  backbone.conv1.weight: \(1, 2\) in the '
            r'checkpoint, \(4, 3, 7, 7\) in the config',
        ),
    ],
)
def test_weights_that_do_not_fit_are_listed(
    config, checkpoint, tmp_path, edit, message
):
    broken = edited(checkpoint, edit, tmp_path / 'broken.pth')
    with pytest.raises(ValueError, match=message):
        Teacher(config, broken).load()


def test_long_lists_are_cut(config, tmp_path):
    state = dict(other=torch.zeros(1))
    torch.save(dict(state_dict=state), tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match=r'\.\.\. and \d+ more') as error:
        Teacher(config, str(tmp_path / 'empty.pth')).load()
    assert len(str(error.value).splitlines()) < 17


def test_weights_of_heads_do_not_matter(config, checkpoint, tmp_path):
    def drop_heads(state):
        for name in [n for n in state if n.startswith(('rpn_head', 'roi_head'))]:
            del state[name]

    Teacher(config, edited(checkpoint, drop_heads, tmp_path / 'headless.pth')).load()


def test_pretrained_weights_that_nothing_reads_are_no_training(config, checkpoint):
    """MMSegmentation's and MMPretrain's models have the field, and read it later."""
    with pytest.raises(ValueError, match='needs a trained teacher'):
        Teacher(dict(config, pretrained='/nowhere.pth'), None).load()
    Teacher(dict(config, pretrained='/nowhere.pth'), checkpoint).load()


def test_direction_of_the_conversion_is_that_of_the_configs(config, checkpoint):
    """One that turns RGB into BGR is no other that turns BGR into RGB."""
    numbers = dict(type='DetDataPreprocessor', mean=[1, 2, 3], std=[4, 5, 6])
    ways = {
        way: dict(config, data_preprocessor=dict(numbers, **{way: True}))
        for way in ('rgb_to_bgr', 'bgr_to_rgb')
    }
    model = toys.build(
        toys.distilled(
            checkpoint, student=ways['rgb_to_bgr'], teacher=ways['bgr_to_rgb']
        )
    )
    seen = []
    model.teacher.load()
    hook = model.teacher.backbone.register_forward_pre_hook
    hook(lambda _, args: seen.extend(args))
    images = torch.zeros(1, 3, 64, 64)
    mean, std = (torch.tensor(numbers[key]).view(3, 1, 1) for key in ('mean', 'std'))
    red_in_bgr, red_in_rgb = images.clone(), images.clone()
    red_in_bgr[:, 2] = red_in_rgb[:, 0] = 255
    model.teacher((red_in_bgr - mean) / std, None, model.data_preprocessor)
    torch.testing.assert_close(seen[0], (red_in_rgb - mean) / std)


def test_missing_file_is_named(config):
    with pytest.raises(FileNotFoundError, match='/nowhere/teacher.pth'):
        Teacher(config, '/nowhere/teacher.pth').load()


def test_random_teacher_only_where_asked_for(config):
    """It is the same one for every process, and costs no random number."""
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, second = Teacher(config, 'random'), Teacher(config, 'random')
    first.load()
    assert torch.equal(torch.rand(1), expected)
    second.load()
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)
    with pytest.raises(ValueError, match="'random' for a control"):
        Teacher(config, None).load()
