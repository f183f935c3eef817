# RM + RLF, the residual learning framework: levels are added up from coarse to fine.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='AdditiveFusion')),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
