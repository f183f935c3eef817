# The review, its HCL weighted by the teacher's scores; the rest counts a little.
method = dict(
    _delete_=True,
    type='WeightedFeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='HCLLoss'),
    weights='scores',
    background=0.1,
    standardize_targets=True,
    loss_weight=1.0,
)
