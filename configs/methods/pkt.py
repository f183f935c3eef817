# PKT, probabilistic knowledge transfer: how alike the cells of a level are.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='IdentityConnector'),
    loss=dict(type='PKTLoss'),
    # RepDistiller's is 30000, for large batches of a classifier. With this weight the
    # gradient starts about as large as the detector's own, on the small pair.
    loss_weight=100.0,
)
