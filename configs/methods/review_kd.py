# The review, and KD on class scores. Builds the teacher's heads.
method = [
    dict(
        type='FeatureDistillation',
        connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
        loss=dict(type='HCLLoss'),
        standardize_targets=True,
        loss_weight=1.0,
    ),
    dict(type='LogitDistillation', temperature=2.0, loss_weight=1.0),
]
