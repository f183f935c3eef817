# Mask R-CNN, ResNet-101 teaches ResNet-18, on COCO.
_base_ = [
    './_base_/coco_instance_1x.py',
    './_base_/reviewkd.py',
]

model = dict(
    student=dict(
        _base_='mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
        backbone=dict(
            depth=18,
            norm_cfg=dict(requires_grad=False),
            init_cfg=dict(checkpoint='torchvision://resnet18'),
        ),
        neck=dict(in_channels=[64, 128, 256, 512]),
    ),
    teacher='mmdet::mask_rcnn/mask-rcnn_r101_fpn_2x_coco.py',
    teacher_checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r101_fpn_2x_coco/mask_rcnn_r101_fpn_2x_coco_bbox_mAP-0.408__'
    'segm_mAP-0.366_20200505_071027-14b391c7.pth',
    distillation=dict(loss_weight=1.5),
)
