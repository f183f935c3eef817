# FreeKD without its prompts: three scales of high frequencies.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='AlignConnector'),
    loss=dict(type='FreeKDLoss', scales=3),
    standardize_targets=True,
    # Published on sums over raw bands. On standardised maps a level's loss is the mean
    # distance of its bands.
    loss_weight=1.0,
)
