# MobileNetV1.
_base_ = '../_base_/imagenet.py'
model = dict(backbone=dict(type='TimmMobileNetV1'))
