# RM + RLF + HCL: levels are added up, and compared in context.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='AdditiveFusion')),
    loss=dict(type='OnStandardizedTargets', loss=dict(type='HCLLoss')),
    loss_weight=1.0,
)
