# The small RTMDet student under the small RTMDet teacher.
_base_ = './reviewkd_frcnn.py'
model = dict(
    student='{{fileDirname}}/rtmdet_student.py',
    teacher='{{fileDirname}}/rtmdet_teacher.py',
    teacher_checkpoint='work_dirs/rtmdet_teacher/epoch_12.pth',
)
