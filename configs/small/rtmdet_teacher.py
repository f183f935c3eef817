# The student's detector on a CSPNeXt four times as wide and twice as deep.
_base_ = './rtmdet_student.py'
model = dict(
    backbone=dict(deepen_factor=0.33, widen_factor=0.5),
    neck=dict(in_channels=[128, 256, 512]),
)
train_cfg = dict(max_epochs=12, val_interval=4)
