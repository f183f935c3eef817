# SKD: one level, compared with the teacher's same level. It is the coarsest that stems
# straight from a stage of the backbone: p5 of p2 to p6.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', pairs=[(3, 3)]),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
