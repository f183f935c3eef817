# The student's detector on a ResNet-18 of half the standard width, trained longer.
_base_ = './retinanet_student.py'
model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256]),
)
train_cfg = dict(max_epochs=12, val_interval=4)
