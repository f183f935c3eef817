# Mask R-CNN teaches Faster R-CNN.
_base_ = '../reviewkd_frcnn_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
name = 'mask_rcnn_r101_fpn_2x_coco'
model = dict(
    teacher='mmdet::mask_rcnn/mask-rcnn_r101_fpn_2x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_bbox_mAP-0.408__segm_mAP-0.366_'
    '20200505_071027-14b391c7.pth',
)
