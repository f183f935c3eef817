# FreeKD without its prompts: three scales of high frequencies, after a 1x1 convolution
# of each of the student's maps, as in the authors' code.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', norm_cfg=None),
    loss=dict(type='FreeKDLoss', scales=3),
    standardize_targets=True,
    # That of the authors' code for RetinaNet, on raw maps and with prompts; their mean
    # squared error of the maps, with the weight 5, is left out.
    loss_weight=1.0,
)
