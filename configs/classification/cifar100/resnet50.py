# ResNet-50.
_base_ = '../_base_/cifar100.py'
model = dict(
    backbone=dict(type='TorchvisionResNet', model='resnet50', small_images=True)
)
