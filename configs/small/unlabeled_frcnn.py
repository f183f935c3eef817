# The distilled student, with images in each batch that nobody has annotated:
# docs/unlabeled.md.
_base_ = './reviewkd_frcnn.py'
unlabeled = dict(
    type='UnlabeledImages',
    folder='data/digits/unlabeled',
    pipeline=[
        dict(type='LoadImageFromFile'),
        # Empty, so that all images of a batch have the same fields.
        dict(type='LoadEmptyAnnotations', with_bbox=True, with_mask=True),
        dict(type='Resize', scale=(160, 160), keep_ratio=True),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackDetInputs'),
    ],
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='WithUnlabeled',
        datasets=[{{_base_.train_dataloader.dataset}}, unlabeled],
    ),
    sampler=dict(
        _delete_=True,
        type='LabeledSampler',
        sampler=dict(type='DefaultSampler', shuffle=True),
    ),
    # Added to each batch of batch_size labelled images.
    batch_sampler=dict(type='MixedBatchSampler', others=4),
)
