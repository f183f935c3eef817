# VGG-13.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='CIFARVGG', convs=2))
