# PKD: Pearson correlation of every channel.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='AlignConnector'),
    loss=dict(type='PKDLoss'),
    # MMRazor's for Faster R-CNN R101 -> R50, there on the four finest levels; 10 for
    # RetinaNet.
    loss_weight=6.0,
)
