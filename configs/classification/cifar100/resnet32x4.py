# ResNet-32 of four times the width.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='CIFARResNet', depth=32))
