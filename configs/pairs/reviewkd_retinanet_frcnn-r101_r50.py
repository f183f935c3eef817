# Faster R-CNN, p2 to p6, teaches RetinaNet, p3 to p7: they have four levels in common.
_base_ = '../reviewkd_retinanet_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/faster_rcnn/'
name = 'faster_rcnn_r101_fpn_2x_coco'
model = dict(
    teacher='mmdet::faster_rcnn/faster-rcnn_r101_fpn_2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_bbox_mAP-0.398_20200504_210455-'
    '1d2dac9c.pth',
    levels=(8, 16, 32, 64),
)
