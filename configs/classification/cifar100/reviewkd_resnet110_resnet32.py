# ResNet-110 teaches ResNet-32.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/resnet32.py',
    teacher=dict(
        _base_='{{fileDirname}}/resnet110.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/resnet110/epoch_240.pth',
    distillation=dict(loss_weight=1.0),
)
