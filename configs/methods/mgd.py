# MGD: the teacher's maps generated from masked ones of the student.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='MaskedGenerationConnector', mask_ratio=0.45),
    loss=dict(type='L2DistillLoss'),
    standardize_targets=True,
    # The authors' for Faster R-CNN: 5e-7, on sums over raw maps. On standardised maps
    # the loss of each level starts near 1.
    loss_weight=1.0,
)
