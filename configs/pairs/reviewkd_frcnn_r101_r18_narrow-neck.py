# The student's neck has half of the teacher's channels.
_base_ = '../reviewkd_frcnn_r101_r18.py'
model = dict(
    student=dict(
        neck=dict(out_channels=128),
        rpn_head=dict(in_channels=128),
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=128), bbox_head=dict(in_channels=128)
        ),
    )
)
