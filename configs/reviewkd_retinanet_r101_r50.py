# RetinaNet, ResNet-101 teaches ResNet-50, on COCO.
_base_ = [
    './_base_/coco_1x.py',
    './_base_/reviewkd.py',
]

model = dict(
    student=dict(
        _base_='mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
        backbone=dict(norm_cfg=dict(requires_grad=False)),
    ),
    teacher='mmdet::retinanet/retinanet_r101_fpn_2x_coco.py',
    teacher_checkpoint='https://download.openmmlab.com/mmdetection/v2.0/retinanet/'
    'retinanet_r101_fpn_2x_coco/retinanet_r101_fpn_2x_coco_20200131-5560aee8.pth',
    distillation=dict(loss_weight=1.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.005))
