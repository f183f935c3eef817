# ResNet-56.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='TorchdistillResNet', depth=56))
