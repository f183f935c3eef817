# FCOS, ResNet-101 teaches ResNet-50.
_base_ = '../reviewkd_retinanet_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/fcos/'
name = 'fcos_r101_caffe_fpn_gn-head_mstrain_640-800_2x_coco'
model = dict(
    student='mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    teacher='mmdet::fcos/fcos_r101-caffe_fpn_gn-head_ms-640-800-2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}-511424d6.pth',
)
