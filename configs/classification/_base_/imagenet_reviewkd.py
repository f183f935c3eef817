# ReviewKD on ImageNet, with torchvision's weights of the teacher.
_base_ = './imagenet.py'

model = dict(
    _delete_=True,
    type='DistilledModel',
    # torchvision's names, without the parts of a classifier.
    teacher_keys=[('^(?!fc)', 'backbone.'), ('^fc', 'head')],
    distillation=dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
        loss=dict(type='HCLLoss'),
        loss_weight=1.0,
    ),
)
default_hooks = dict(frozen_teacher=dict(type='FrozenTeacherHook'))
