# ReviewKD as published, except that targets are standardised: weight 1 needs it.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector'),
    loss=dict(type='OnStandardizedTargets', loss=dict(type='HCLLoss')),
    loss_weight=1.0,
)
