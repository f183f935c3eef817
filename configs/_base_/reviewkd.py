# The review: ABF connector and HCL on all levels of the necks.
_base_ = './default_runtime.py'

model = dict(
    type='DistilledDetector',
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector'),
        loss=dict(type='HCLLoss'),
        loss_weight=1.0,
    ),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
