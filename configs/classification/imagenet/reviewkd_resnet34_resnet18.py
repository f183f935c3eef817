# ResNet-34 teaches ResNet-18, both by their maps before ReLU.
_base_ = '../_base_/imagenet_reviewkd.py'
model = dict(
    student=dict(
        _base_='{{fileDirname}}/resnet18.py', backbone=dict(pre_activation=True)
    ),
    teacher=dict(
        _base_='{{fileDirname}}/resnet34.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='https://download.pytorch.org/models/resnet34-b627a593.pth',
    distillation=dict(loss_weight=1.0),
)
