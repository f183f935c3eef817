# CWD: where each channel is strong.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='AlignConnector'),
    loss=dict(type='OnStandardizedTargets', loss=dict(type='CWDLoss', tau=1.0)),
    loss_weight=1.0,
)
