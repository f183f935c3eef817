# FitNet: every level through a convolution, compared with the teacher's.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', norm_cfg=None),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
