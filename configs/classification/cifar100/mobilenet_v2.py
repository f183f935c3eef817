# MobileNetV2 of half the width, with the lower learning rate of the mobile students.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='CIFARMobileNetV2'))
optim_wrapper = dict(optimizer=dict(lr=0.02))
