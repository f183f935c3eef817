# ShuffleNetV1, with the lower learning rate of the mobile students.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='CIFARShuffleNetV1'))
optim_wrapper = dict(optimizer=dict(lr=0.02))
