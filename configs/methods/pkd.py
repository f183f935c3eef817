# PKD: Pearson correlation of every channel.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='AlignConnector'),
    loss=dict(type='PKDLoss'),
    # Published for Faster R-CNN R101 -> R50 (MMRazor).
    loss_weight=6.0,
)
