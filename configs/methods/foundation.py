# A foundation model as the teacher: the direction of its tokens. It suits any teacher
# with maps; a vision transformer of timm is taken by
#     model = dict(
#         teacher=dict(type='TimmModel', model='vit_small_patch14_dinov2.lvd142m',
#                      pretrained=True),
#         teacher_checkpoint=None,
#         levels=[(2, 0)],  # the student's p4, the only map of the teacher
#         resize='nearest',
#     )
method = dict(
    _delete_=True,
    type='FeatureDistillation',
    connector=dict(type='ConvConnector', norm_cfg=None),
    loss=dict(type='CosineDistillLoss'),
    loss_weight=1.0,
)
