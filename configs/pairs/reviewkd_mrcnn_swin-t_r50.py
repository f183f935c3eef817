# Mask R-CNN, Swin-T teaches ResNet-50.
_base_ = '../reviewkd_mrcnn_r101_r50.py'
zoo = 'https://download.openmmlab.com/mmdetection/v2.0/swin/'
name = 'mask_rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco'
model = dict(
    teacher='mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco.py',
    teacher_checkpoint=f'{zoo}{name}/{name}_20210906_131725-bacf6f7b.pth',
)
