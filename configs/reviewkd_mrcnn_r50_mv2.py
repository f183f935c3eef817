# Mask R-CNN, ResNet-50 teaches MobileNetV2, on COCO.
_base_ = ['./reviewkd_mrcnn_r101_r18.py', './_base_/mobilenet_v2.py']

model = dict(
    student=dict(
        _delete_=True,
        _base_='mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
        backbone=_base_.mobilenet_v2,
        neck=dict(in_channels=[24, 32, 96, 320]),
    ),
    # It comes after the last stage that is used, so it has no gradient.
    frozen=('backbone.conv2',),
    teacher='mmdet::mask_rcnn/mask-rcnn_r50_fpn_2x_coco.py',
    teacher_checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r50_fpn_2x_coco/mask_rcnn_r50_fpn_2x_coco_bbox_mAP-0.392__'
    'segm_mAP-0.354_20200505_003907-3e542a40.pth',
    distillation=dict(loss_weight=1.0),
)
