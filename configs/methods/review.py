# The review in full, ReviewKD: every level fused with the coarser ones by attention,
# compared in context (HCL).
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector'),
    loss=dict(type='OnStandardizedTargets', loss=dict(type='HCLLoss')),
    loss_weight=1.0,
)
