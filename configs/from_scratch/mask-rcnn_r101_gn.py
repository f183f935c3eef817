# The same on a ResNet-101: a teacher.
_base_ = 'mmdet::scratch/mask-rcnn_r50-scratch_fpn_gn-all_6x_coco.py'
model = dict(backbone=dict(depth=101))
