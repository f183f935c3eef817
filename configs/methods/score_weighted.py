# Score-weighted L2: maps after two convolutions, most where the teacher is sure of an
# object. Builds the teacher's heads. Ultralytics takes raw maps, and the
# weight 6.
method = dict(
    _delete_=True,
    type='WeightedFeatureDistillation',
    connector=dict(type='ProjectorConnector'),
    loss=dict(type='L2DistillLoss'),
    weights='scores',
    standardize_targets=True,
    loss_weight=1.0,
)
