# ResNet-56 teaches ResNet-20.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/resnet20.py',
    teacher=dict(
        _base_='{{fileDirname}}/resnet56.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/resnet56/epoch_240.pth',
    distillation=dict(loss_weight=0.6),
)
