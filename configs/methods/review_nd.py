# ReviewKD++: the review, and norm and direction of the objects' vectors.
method = [
    dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
        loss=dict(type='HCLLoss'),
        standardize_targets=True,
        loss_weight=1.0,
    ),
    dict(type='NormDirection', loss_weight=1.0),
]
