# ResNet-50 teaches MobileNetV2. The published weight is not known: it is that of
# ResNet-50 with MobileNetV1 on ImageNet.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/mobilenet_v2.py',
    teacher=dict(
        _base_='{{fileDirname}}/resnet50.py', backbone=dict(pre_activation=True)
    ),
    teacher_checkpoint='work_dirs/resnet50/epoch_240.pth',
    # The review gets the size of the teacher's maps, twice that of the student's.
    resize='review',
    levels=[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)],
    distillation=dict(connector=dict(mid_channels=512), loss_weight=8.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.02))
