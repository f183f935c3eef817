# What every config of mmreviewkd starts from.
_base_ = 'mmdet::_base_/default_runtime.py'

custom_imports = dict(imports=['mmreviewkd'], allow_failed_imports=False)
default_hooks = dict(
    # Written in one step, so that a kill leaves no half checkpoint.
    checkpoint=dict(backend_args=dict(backend='atomic')),
    # A resumed run repeats the uninterrupted one.
    exact_resume=dict(type='ExactResumeHook'),
    # SIGTERM, as clusters send it, ends a run with a checkpoint.
    preemption=dict(type='PreemptionHook'),
)
