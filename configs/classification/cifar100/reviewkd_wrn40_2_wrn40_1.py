# WRN-40-2 teaches WRN-40-1.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/wrn40_1.py',
    teacher=dict(
        _base_='{{fileDirname}}/wrn40_2.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/wrn40_2/epoch_240.pth',
    # As wide as the student's last level.
    distillation=dict(connector=dict(mid_channels=64), loss_weight=5.0),
)
