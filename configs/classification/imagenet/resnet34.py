# ResNet-34.
_base_ = '../_base_/imagenet.py'
model = dict(backbone=dict(type='TorchvisionResNet', model='resnet34'))
