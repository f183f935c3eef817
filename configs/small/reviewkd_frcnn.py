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
    # methods/review_standardized.py
    distillation=dict(standardize_targets=True),
    # Trained briefly and from scratch, the student gains from a start there.
    inherit=('neck', 'rpn_head', 'roi_head'),
)
