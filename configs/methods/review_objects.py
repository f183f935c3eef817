# The review where an anchor is near an object, as in FGFI. The loss is an average over
# the positions of all levels, not a sum over levels: hence the weight of fgfi.py.
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
