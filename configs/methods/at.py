# AT, attention transfer: where a level is strong, over all channels.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='IdentityConnector'),
    loss=dict(
        type='TorchdistillLoss',
        loss=dict(
            type='ATLoss',
            at_pairs=dict(
                level=dict(
                    student=dict(path='level', io='output'),
                    teacher=dict(path='level', io='output'),
                )
            ),
            mode='paper',
        ),
    ),
    # The paper's beta / 2. RepDistiller's is 1000, for the mean squared distance, which
    # depends on the image size. With this weight the gradient starts about as large as
    # the detector's own, on the small pair.
    loss_weight=1.0,
)
