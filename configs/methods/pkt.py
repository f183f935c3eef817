# PKT, probabilistic knowledge transfer: how alike the cells of a level are.
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='IdentityConnector'),
    loss=dict(
        type='TorchdistillLoss',
        grid=4,
        loss=dict(
            type='PKTLoss',
            student_module_path='level',
            student_module_io='output',
            teacher_module_path='level',
            teacher_module_io='output',
        ),
    ),
    loss_weight=1.0,
)
