import pytest
from mmengine.config import Config
from mmengine.hub import get_config

from mmreviewkd.job import JobError
from mmreviewkd.job.fit_data import transforms
from mmreviewkd.job.image_size import set_image_size


def sizes(cfg):
    """All sizes of all transforms, by type and field."""
    keys = ('scale', 'scales', 'img_scale', 'crop_size', 'size', 'border')
    found = {}
    for transform in transforms(cfg):
        for key in keys:
            if key in transform:
                found.setdefault(f'{transform.type}.{key}', []).append(transform[key])
    return found


def test_published_pair():
    cfg = Config.fromfile('configs/reviewkd_frcnn_r101_r18.py')
    set_image_size(cfg, 400)
    found = sizes(cfg)
    # The short side of 640 to 800 pixels becomes 320 to 400.
    assert found['RandomChoiceResize.scales'] == [
        [(side, side) for side in (320, 336, 352, 368, 384, 400)]
    ]
    assert found['Resize.scale'] == [(400, 400)] * 2


def test_rtmdet():
    cfg = get_config('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py')
    set_image_size(cfg, 320)
    found = sizes(cfg)
    assert found['RandomCrop.crop_size'] == [(320, 320)] * 2
    assert found['CachedMosaic.img_scale'] == [(320, 320)]
    assert found['CachedMixUp.img_scale'] == [(320, 320)]
    # That of the first stage is twice the size; the second is a hook's.
    assert found['RandomResize.scale'] == [(640, 640), (320, 320)]
    assert set(found['Pad.size']) == {(320, 320)}
    with pytest.raises(JobError, match='a multiple of 32, such as 288'):
        set_image_size(cfg, 300)


def test_batch_augments_and_borders():
    cfg = get_config('mmdet::yolox/yolox_s_8xb8-300e_coco.py')
    set_image_size(cfg, 320)
    assert sizes(cfg)['RandomAffine.border'] == [(-160, -160)]
    (augment,) = cfg.model.data_preprocessor.batch_augments
    assert augment.random_size_range == (240, 400)


def test_alternatives():
    cfg = get_config('mmdet::detr/detr_r50_8xb2-150e_coco.py')
    set_image_size(cfg, 400)
    found = sizes(cfg)
    assert found['RandomChoiceResize.scales'][0][-1] == (400, 400)
    assert found['RandomCrop.crop_size'] == [(115, 180)]


def test_pipeline_without_a_size():
    pipeline = [dict(type='LoadImageFromFile')]
    cfg = Config(dict(val_dataloader=dict(dataset=dict(pipeline=pipeline))))
    with pytest.raises(JobError, match='has no Resize'):
        set_image_size(cfg, 100)
