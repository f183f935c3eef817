# The small Mask R-CNN student under the small Mask R-CNN teacher.
_base_ = './reviewkd_frcnn.py'
model = dict(
    student='{{fileDirname}}/mrcnn_student.py',
    teacher='{{fileDirname}}/mrcnn_teacher.py',
    teacher_checkpoint='work_dirs/mrcnn_teacher/epoch_12.pth',
)
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
