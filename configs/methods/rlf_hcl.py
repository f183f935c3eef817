# RM + RLF + HCL: levels are added up, and compared in context.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='AdditiveFusion')),
    loss=dict(type='HCLLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
