# The review in full, ReviewKD: RM + RLF + ABF + HCL.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='HCLLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
