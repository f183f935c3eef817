# MKD: every level, compared with the teacher's same level.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', pairs='same'),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
