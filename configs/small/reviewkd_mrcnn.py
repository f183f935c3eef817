# The small student under the small teacher.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/small_data.py',
    '../_base_/small_schedule.py',
    '../_base_/reviewkd.py',
]
model = dict(
    student='{{fileDirname}}/mrcnn_student.py',
    teacher='{{fileDirname}}/mrcnn_teacher.py',
    teacher_checkpoint='work_dirs/mrcnn_teacher/epoch_8.pth',
    connector=dict(mid_channels=32),
    distill_loss=dict(type='StandardizedHCLLoss'),
)
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
