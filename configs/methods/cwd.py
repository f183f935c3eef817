# CWD: where each channel is strong.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='AlignConnector'),
    loss=dict(type='CWDLoss', tau=1.0),
    standardize_targets=True,
    # MMRazor's for Faster R-CNN and RetinaNet: 10, on raw maps. With this weight the
    # gradient starts about as large as the detector's own, on the small pair.
    loss_weight=1.0,
)
