# Cascade R-CNN, ResNet-101 teaches ResNet-50.
_base_ = '../reviewkd_frcnn_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/cascade_rcnn/'
name = 'cascade_rcnn_r101_fpn_20e_coco'
model = dict(
    student=dict(_base_='mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'),
    teacher='mmdet::cascade_rcnn/cascade-rcnn_r101_fpn_20e_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_bbox_mAP-0.425_20200504_231812-'
    '5057dcc5.pth',
)
