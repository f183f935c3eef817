# COCO with the published recipe: batch 8, learning rate 0.01, 12 epochs, short
# side drawn from 640 to 800 pixels. (MMDetection's 1x schedule drops the learning
# rate after epochs 8 and 11; the published 180,000 iterations of 8 images, with
# drops after 120,000 and 160,000, are 12.2 epochs with drops after 8.1 and 10.8.)
_base_ = [
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/schedules/schedule_1x.py',
]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, side) for side in range(640, 801, 32)],
        keep_ratio=True,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# Follows the total batch: 0.01 for 8 images, 0.02 for 8 GPUs with 2 each.
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(enable=True, base_batch_size=8)
