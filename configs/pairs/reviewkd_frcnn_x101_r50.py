# Faster R-CNN, ResNeXt-101 teaches ResNet-50.
_base_ = '../reviewkd_frcnn_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/faster_rcnn/'
name = 'faster_rcnn_x101_32x4d_fpn_2x_coco'
model = dict(
    teacher='mmdet::faster_rcnn/faster-rcnn_x101-32x4d_fpn_2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_bbox_mAP-0.412_20200506_041400-'
    '64a12c0b.pth',
)
