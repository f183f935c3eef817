# RM + RLF + ABF: levels are fused by attention.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
