import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmreviewkd.errors import UsageError
from mmreviewkd.model_config import (
    build_model,
    model_of_run,
    resolve_model_config,
    without_pretrained,
)

FASTER = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'


def test_name_in_a_package():
    model = resolve_model_config(FASTER)
    assert model.type == 'FasterRCNN'
    assert model.backbone.depth == 50


def test_changes_of_a_base():
    model = resolve_model_config(
        dict(
            _base_=FASTER,
            backbone=dict(depth=18, init_cfg=dict(checkpoint='torchvision://resnet18')),
            neck=dict(_delete_=True, type='PAFPN', in_channels=[64], num_outs=5),
        )
    )
    assert '_base_' not in model
    assert model.backbone.depth == 18
    assert model.backbone.norm_cfg.type == 'BN'
    assert model.backbone.init_cfg.type == 'Pretrained'
    assert model.neck == dict(type='PAFPN', in_channels=[64], num_outs=5)


CASCADE = 'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'


def test_changes_of_a_list():
    """Cascade R-CNN has three heads."""
    changes = dict(bbox_head={'1': dict(num_classes=3)})
    model = resolve_model_config(dict(_base_=CASCADE, roi_head=changes))
    assert [head.num_classes for head in model.roi_head.bbox_head] == [80, 3, 80]


@pytest.mark.parametrize(
    'changes, message',
    [
        (
            dict(roi_head=dict(bbox_head=dict(num_classes=3))),
            '_base_=.*cascade.*: bbox_head is a list of 3 there, but a dict here',
        ),
        (
            dict(train_cfg=dict(rcnn={'0': dict(assigner=dict(type=dict(a=1)))})),
            'type=.* is of type .*str',
        ),
        (dict(roi_head=dict(bbox_head={'7': dict(num_classes=3)})), 'Index 7 exceeds'),
    ],
)
def test_changes_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        resolve_model_config(dict(_base_=CASCADE, **changes))


def test_inline_dict_is_left_as_it_is():
    config = dict(type='FasterRCNN', backbone=dict(type='ResNet'))
    model = resolve_model_config(config)
    assert model == config
    model.backbone.depth = 50
    assert config['backbone'] == dict(type='ResNet')


def test_file_with_the_preprocessor_beside_the_model(tmp_path):
    (tmp_path / 'a.py').write_text(
        "data_preprocessor = dict(type='DetDataPreprocessor')\n"
        "model = dict(type='RTMDet')\n"
    )
    model = resolve_model_config(str(tmp_path / 'a.py'))
    assert model.data_preprocessor.type == 'DetDataPreprocessor'


def test_model_of_a_file_is_of_the_files_library(other_library):
    """In the run of another library, which has a class of the same name."""
    other_library.register_module('ResNet', module=nn.Identity)
    init_default_scope('other')
    model = build_model(resolve_model_config(FASTER))
    assert type(model.backbone).__module__.startswith('mmdet.')


def test_student_in_a_file_is_of_the_files_library(tmp_path):
    (tmp_path / 'a.py').write_text(
        "default_scope = 'other'\n"
        "model = dict(type='DistilledModel', student=dict(type='A'), teacher='b.py')\n"
    )
    assert resolve_model_config(str(tmp_path / 'a.py')) == dict(
        type='A', _scope_='other'
    )


def test_model_of_a_run_has_the_preprocessor_beside_it():
    cfg = Config(dict(model=dict(type='A'), data_preprocessor=dict(type='B')))
    model = model_of_run(cfg)
    assert model == dict(type='A', data_preprocessor=dict(type='B'))
    assert 'data_preprocessor' not in cfg.model
    cfg.model.data_preprocessor = dict(type='C')
    assert model_of_run(cfg).data_preprocessor.type == 'C'


def test_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match='nowhere.py'):
        resolve_model_config('/nowhere.py')


@pytest.mark.parametrize('text', ['model = dict(', '1 / 0', '_base_ = "mmdet::x.py"'])
def test_broken_file_is_named(text, tmp_path):
    """A run reads it for its student or teacher, where no tool has named it."""
    path = tmp_path / 'own.py'
    path.write_text(text)
    with pytest.raises((UsageError, FileNotFoundError), match=r'own\.py|x\.py'):
        resolve_model_config(str(path))


def test_file_without_a_model(tmp_path):
    (tmp_path / 'a.py').write_text('x = 1\n')
    with pytest.raises(ValueError, match=r'a\.py has no `model`'):
        resolve_model_config(str(tmp_path / 'a.py'))


def test_dict_without_type():
    with pytest.raises(ValueError, match=r"needs `type`.*\['backbone'\]"):
        resolve_model_config(dict(backbone=dict()))


@pytest.mark.parametrize(
    'init_cfg', [dict(type='Pretrained', checkpoint='a.pth'), dict(checkpoint='a.pth')]
)
def test_without_pretrained_weights(init_cfg):
    model = dict(backbone=dict(type='PyramidVisionTransformer', init_cfg=init_cfg))
    assert without_pretrained(model)['backbone']['init_cfg'] is None
    assert model['backbone']['init_cfg'] is init_cfg
