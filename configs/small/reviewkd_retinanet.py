# The small RetinaNet student under the small RetinaNet teacher.
_base_ = './reviewkd_frcnn.py'
model = dict(
    student='{{fileDirname}}/retinanet_student.py',
    teacher='{{fileDirname}}/retinanet_teacher.py',
    teacher_checkpoint='work_dirs/retinanet_teacher/epoch_12.pth',
)
