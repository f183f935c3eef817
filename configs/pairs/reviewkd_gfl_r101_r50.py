# GFL, ResNet-101 teaches ResNet-50.
_base_ = '../reviewkd_retinanet_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/gfl/'
name = 'gfl_r101_fpn_mstrain_2x_coco'
model = dict(
    student='mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    teacher='mmdet::gfl/gfl_r101_fpn_ms-2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_20200629_200126-dd12f847.pth',
)
