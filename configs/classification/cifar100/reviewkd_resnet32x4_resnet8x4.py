# ResNet-32x4 teaches ResNet-8x4.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/resnet8x4.py',
    teacher=dict(
        _base_='{{fileDirname}}/resnet32x4.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/resnet32x4/epoch_240.pth',
    distillation=dict(loss_weight=5.0),
)
