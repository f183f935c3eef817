# MobileNetV2 as the published students have it: 24, 32, 96 and 320 channels, nothing
# frozen but the norm layers.
mobilenet_v2 = dict(
    _delete_=True,
    type='MobileNetV2',
    out_indices=(1, 2, 4, 6),
    norm_cfg=dict(type='BN', requires_grad=False),
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://mmdet/mobilenet_v2'),
)
