# What every config of mmreviewkd starts from.
_base_ = 'mmdet::_base_/default_runtime.py'

custom_imports = dict(imports=['mmreviewkd'], allow_failed_imports=False)
