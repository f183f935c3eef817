# The review: ABF connector and HCL on all levels of the necks.
model = dict(
    type='DistilledDetector',
    connector=dict(type='ReviewConnector', mid_channels=256),
    distill_loss=dict(type='HCLLoss', loss_weight=1.0),
)
