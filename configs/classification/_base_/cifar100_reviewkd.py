# ReviewKD on CIFAR-100: the weight of the review rises during the first 20 epochs.
_base_ = './cifar100.py'

model = dict(
    _delete_=True,
    type='DistilledModel',
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
        loss=dict(type='HCLLoss'),
        loss_weight=1.0,
    ),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
custom_hooks = [dict(type='DistillScheduleHook', warmup=20)]
