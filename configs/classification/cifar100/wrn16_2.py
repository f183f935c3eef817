# WRN-16-2.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='TorchdistillWideResNet', depth=16, width=2))
