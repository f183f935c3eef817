# The small student under the small teacher.
_base_ = [
    '../_base_/small_data.py',
    '../_base_/small_schedule.py',
    '../_base_/reviewkd.py',
]
model = dict(
    student='{{fileDirname}}/frcnn_student.py',
    teacher='{{fileDirname}}/frcnn_teacher.py',
    teacher_checkpoint='work_dirs/frcnn_teacher/epoch_12.pth',
    # methods/recommended.py
    distillation=dict(standardize_targets=True),
    inherit='auto',
)
