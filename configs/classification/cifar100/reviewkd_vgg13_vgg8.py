# VGG-13 teaches VGG-8. The published weight is not known: it is that of most pairs.
_base_ = '../_base_/cifar100_reviewkd.py'
model = dict(
    student='{{fileDirname}}/vgg8.py',
    teacher=dict(_base_='{{fileDirname}}/vgg13.py', backbone=dict(pre_activation=True)),
    teacher_checkpoint='work_dirs/vgg13/epoch_240.pth',
    distillation=dict(loss_weight=5.0),
)
