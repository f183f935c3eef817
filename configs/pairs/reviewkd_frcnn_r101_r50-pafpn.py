# The student has a PAFPN, the teacher an FPN.
_base_ = '../reviewkd_frcnn_r101_r50.py'
model = dict(student=dict(neck=dict(type='PAFPN')))
