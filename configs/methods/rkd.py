# RKD: distances and angles among the objects' vectors, with the weights of RepDistiller
# for classification.
method = dict(
    _delete_=True,
    type='RoIFeatureDistillation',
    loss=dict(
        type='TorchdistillLoss',
        loss=dict(
            type='RKDLoss',
            student_output_path='level',
            teacher_output_path='level',
            dist_factor=25.0,
            angle_factor=50.0,
            reduction='mean',
        ),
    ),
    loss_weight=1.0,
)
