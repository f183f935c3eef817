# WRN-40-2 teaches WRN-16-2.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/wrn16_2.py',
    teacher=dict(
        _base_='{{fileDirname}}/wrn40_2.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/wrn40_2/epoch_240.pth',
    distillation=dict(loss_weight=5.0),
)
