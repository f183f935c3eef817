# WRN-40-2 teaches ShuffleNetV1.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/shufflenet_v1.py',
    teacher=dict(
        _base_='{{fileDirname}}/wrn40_2.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/wrn40_2/epoch_240.pth',
    # The review gets the size of the teacher's maps, twice that of the student's.
    resize='review',
    levels=[(0, 0), (1, 1), (2, 2), (3, 3)],
    distillation=dict(connector=dict(mid_channels=512), loss_weight=5.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.02))
