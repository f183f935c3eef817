# ReviewKD++: the review, and norm and direction of the objects' vectors. The weights of
# the authors' code, on raw maps: 1.2 and 1.5 (R101 to R18), 1.4 and 1.0 (R101 to R50),
# 2.2 and 1.5 (R50 to MobileNetV2).
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
