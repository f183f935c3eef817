# The reverse of the review in full: levels are fused from fine to coarse.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ReverseReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='HCLLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
