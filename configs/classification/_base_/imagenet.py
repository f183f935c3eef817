# ImageNet: 100 epochs of batches of 256, SGD, learning rate 0.1, divided by 10 after
# 30, 60 and 90 epochs.
_base_ = './runtime.py'

data_root = 'data/imagenet'
model = dict(
    type='ImageClassifier',
    num_classes=1000,
    data_preprocessor=dict(
        type='ImageBatchPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
    ),
)
train_dataloader = dict(
    batch_size=256,
    num_workers=16,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ImageFolder', root=data_root + '/train', train=True),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=16,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ImageFolder', root=data_root + '/val', train=False),
)
test_dataloader = val_dataloader

train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=5)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)
)
param_scheduler = [dict(type='MultiStepLR', milestones=[30, 60, 90], gamma=0.1)]
# Follows the total batch of all GPUs.
auto_scale_lr = dict(enable=True, base_batch_size=256)
