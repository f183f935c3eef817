# SP, similarity-preserving: how alike the images of a batch are.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='IdentityConnector'),
    loss=dict(
        type='TorchdistillLoss',
        loss=dict(
            type='SPKDLoss',
            student_output_path='level',
            teacher_output_path='level',
            reduction='batchmean',
        ),
    ),
    loss_weight=1.0,
)
