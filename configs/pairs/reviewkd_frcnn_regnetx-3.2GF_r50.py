# Faster R-CNN, RegNetX-3.2GF, with a normalisation of its own, teaches ResNet-50.
_base_ = '../reviewkd_frcnn_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/regnet/'
name = 'faster_rcnn_regnetx-3.2GF_fpn_2x_coco'
model = dict(
    teacher='mmdet::regnet/faster-rcnn_regnetx-3.2GF_fpn_2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_20200520_223955-e2081918.pth',
)
