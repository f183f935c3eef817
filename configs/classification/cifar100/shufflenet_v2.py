# ShuffleNetV2, with the lower learning rate of the mobile students.
_base_ = '../_base_/cifar100.py'
model = dict(backbone=dict(type='TorchvisionShuffleNetV2', small_images=True))
optim_wrapper = dict(optimizer=dict(lr=0.02))
