# The small Mask R-CNN student under a teacher that starts from ImageNet weights.
_base_ = './reviewkd_mrcnn.py'
model = dict(
    teacher='{{fileDirname}}/mrcnn_mv2_teacher.py',
    teacher_checkpoint='work_dirs/mrcnn_mv2_teacher/epoch_12.pth',
)
