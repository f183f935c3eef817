# ReviewKD as published: RM + RLF + ABF + HCL, on the teacher's maps as they are.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='HCLLoss'),
    loss_weight=1.0,
)
