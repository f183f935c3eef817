# The teacher's detector on a ResNet-18 of an eighth of the standard width.
_base_ = './frcnn_teacher.py'
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    neck=dict(in_channels=[8, 16, 32, 64]),
)
