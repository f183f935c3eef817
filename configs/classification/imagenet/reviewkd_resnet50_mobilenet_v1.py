# ResNet-50 teaches MobileNetV1, both by their maps before ReLU.
_base_ = '../_base_/imagenet_reviewkd.py'
model = dict(
    student=dict(
        _base_='{{fileDirname}}/mobilenet_v1.py', backbone=dict(pre_activation=True)
    ),
    teacher=dict(
        _base_='{{fileDirname}}/resnet50.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
    distillation=dict(connector=dict(mid_channels=256), loss_weight=8.0),
)
