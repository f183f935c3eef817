# ResNet-20.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='TorchdistillResNet', depth=20))
