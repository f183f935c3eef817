# SP, similarity-preserving: how alike the images of a batch are.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='IdentityConnector'),
    loss=dict(type='SPLoss'),
    # RepDistiller's is 3000, for large batches of a classifier. With this weight the
    # gradient starts about as large as the detector's own, on the small pair.
    loss_weight=1.0,
)
