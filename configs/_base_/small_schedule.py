# AdamW, warm-up, cosine: trains small detectors from scratch in minutes.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=8, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    # Without an end it follows max_epochs.
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        eta_min_ratio=0.01,
        convert_to_iter_based=True,
    ),
]
