# ResNet-18.
_base_ = '../_base_/imagenet.py'
model = dict(backbone=dict(type='TorchvisionResNet', model='resnet18'))
