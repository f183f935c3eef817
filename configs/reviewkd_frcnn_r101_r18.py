# Faster R-CNN, ResNet-101 teaches ResNet-18, on COCO.
_base_ = [
    './_base_/coco_1x.py',
    './_base_/reviewkd.py',
]

model = dict(
    student=dict(
        _base_='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        backbone=dict(
            depth=18,
            norm_cfg=dict(requires_grad=False),
            init_cfg=dict(checkpoint='torchvision://resnet18'),
        ),
        neck=dict(in_channels=[64, 128, 256, 512]),
    ),
    teacher='mmdet::faster_rcnn/faster-rcnn_r101_fpn_2x_coco.py',
    teacher_checkpoint='https://download.openmmlab.com/mmdetection/v2.0/faster_rcnn/'
    'faster_rcnn_r101_fpn_2x_coco/faster_rcnn_r101_fpn_2x_coco_bbox_mAP-0.398_'
    '20200504_210455-1d2dac9c.pth',
    distillation=dict(loss_weight=1.2),
)
