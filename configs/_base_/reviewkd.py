# The review: ABF connector and HCL on all levels of the necks.
_base_ = './default_runtime.py'

model = dict(
    type='DistilledModel',
    # MMDetection's init_detector looks for the field.
    backbone=dict(),
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector'),
        loss=dict(type='HCLLoss'),
        loss_weight=1.0,
    ),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
