# MKD_R, the review mechanism (RM): every level reviews the teacher's same and all finer
# levels.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', pairs='finer'),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
