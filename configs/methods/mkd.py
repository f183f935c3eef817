# MKD: every level, compared with the teacher's same level.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', pairs='same'),
    loss=dict(type='OnStandardizedTargets', loss=dict(type='L2DistillLoss')),
    loss_weight=1.0,
)
