# SKD_R: one level, which reviews the teacher's same and all finer levels.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', pairs=[(3, 0), (3, 1), (3, 2), (3, 3)]),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
