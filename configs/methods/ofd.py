# OFD, the overhaul of feature distillation: margin ReLU and partial L2 distance. The
# authors' weight is for sums over raw maps; here it is for means, and a channel's mean
# takes the place of 0.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector'),
    loss=dict(type='OFDLoss'),
    standardize_targets=True,
    loss_weight=1.0,
)
