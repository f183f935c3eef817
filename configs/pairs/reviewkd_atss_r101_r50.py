# ATSS, ResNet-101 teaches ResNet-50.
_base_ = '../reviewkd_retinanet_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/atss/'
model = dict(
    student='mmdet::atss/atss_r50_fpn_1x_coco.py',
    teacher='mmdet::atss/atss_r101_fpn_1x_coco.py',
    teacher_checkpoint=f'{zoo}atss_r101_fpn_1x_coco/atss_r101_fpn_1x_20200825-'
    'dfcadd6f.pth',
)
