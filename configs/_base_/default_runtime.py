# What every config of mmreviewkd starts from.
_base_ = 'mmdet::_base_/default_runtime.py'

custom_imports = dict(imports=['mmreviewkd'], allow_failed_imports=False)
default_hooks = dict(
    # Written in one step, so that a kill leaves no half checkpoint.
    checkpoint=dict(backend_args=dict(backend='atomic')),
    # For a resumed run that repeats the uninterrupted one.
    random_state=dict(type='RandomStateHook'),
)
