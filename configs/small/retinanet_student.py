# RetinaNet on the backbone of the Faster R-CNN student.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/small_data.py',
    '../_base_/small_schedule.py',
    'mmdet::_base_/models/retinanet_r50_fpn.py',
]
model = dict(
    backbone=dict(
        depth=18,
        base_channels=8,
        stem_channels=8,
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=None,
    ),
    neck=dict(in_channels=[8, 16, 32, 64], out_channels=32),
    bbox_head=dict(
        num_classes=10,
        in_channels=32,
        feat_channels=32,
        stacked_convs=2,
        anchor_generator=dict(octave_base_scale=3),
    ),
)
