# ReviewKD as published, methods/review.py: ABF connector and HCL on all levels.
_base_ = './default_runtime.py'

model = dict(
    type='DistilledModel',
    # MMDetection's init_detector looks for the field.
    backbone=dict(),
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
        loss=dict(type='HCLLoss'),
        loss_weight=1.0,
    ),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
