# The review near objects: positions count that have an anchor near one, as in FGFI, and
# a level counts as much as it has of them.
method = dict(
    _delete_=True,
    type='WeightedFeatureDistillation',
    connector=dict(type='ReviewConnector', fusion=dict(type='ABF')),
    loss=dict(type='HCLLoss'),
    weights='anchors',
    across_levels=True,
    standardize_targets=True,
    loss_weight=5.0,
)
