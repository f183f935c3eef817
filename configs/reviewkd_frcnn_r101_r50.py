# Faster R-CNN, ResNet-101 teaches ResNet-50, on COCO.
_base_ = './reviewkd_frcnn_r101_r18.py'

model = dict(
    student=dict(
        _delete_=True,
        _base_='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        backbone=dict(norm_cfg=dict(requires_grad=False)),
    ),
    distillation=dict(loss_weight=1.0),
)
