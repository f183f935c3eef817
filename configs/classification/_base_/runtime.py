# What every config of a classifier starts from: MMEngine's defaults, and this project's
# hooks.
custom_imports = dict(imports=['mmreviewkd'], allow_failed_imports=False)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        max_keep_ckpts=2,
        backend_args=dict(backend='atomic'),
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    exact_resume=dict(type='ExactResumeHook'),
    preemption=dict(type='PreemptionHook'),
)
env_cfg = dict(cudnn_benchmark=True)
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='TopKAccuracy')
test_evaluator = val_evaluator
