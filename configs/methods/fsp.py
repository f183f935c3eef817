# FSP: how features flow from each level to the next.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector'),
    loss=dict(type='FSPLoss'),
    standardize_targets=True,
    # RepDistiller's is 50, for a classifier. With this weight the gradient starts about
    # as large as the detector's own, on the small pair.
    loss_weight=1.0,
)
