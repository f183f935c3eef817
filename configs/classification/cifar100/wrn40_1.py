# WRN-40-1.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='TorchdistillWideResNet', depth=40, width=1))
