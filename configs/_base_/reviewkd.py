# The review: ABF connector and HCL on all levels of the necks.
_base_ = './default_runtime.py'

model = dict(
    type='DistilledDetector',
    connector=dict(type='ReviewConnector', mid_channels=256),
    distill_loss=dict(type='HCLLoss', loss_weight=1.0),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
