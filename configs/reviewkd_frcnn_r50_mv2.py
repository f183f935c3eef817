# Faster R-CNN, ResNet-50 teaches MobileNetV2, on COCO.
_base_ = ['./reviewkd_frcnn_r101_r18.py', './_base_/mobilenet_v2.py']

model = dict(
    student=dict(
        _delete_=True,
        _base_='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        backbone=_base_.mobilenet_v2,
        neck=dict(in_channels=[24, 32, 96, 320]),
    ),
    # It comes after the last stage that is used, so it has no gradient.
    frozen=('backbone.conv2',),
    teacher='mmdet::faster_rcnn/faster-rcnn_r50_fpn_2x_coco.py',
    teacher_checkpoint='https://download.openmmlab.com/mmdetection/v2.0/faster_rcnn/'
    'faster_rcnn_r50_fpn_2x_coco/faster_rcnn_r50_fpn_2x_coco_bbox_mAP-0.384_'
    '20200504_210434-a5d8aa15.pth',
    distillation=dict(loss_weight=2.0),
)
