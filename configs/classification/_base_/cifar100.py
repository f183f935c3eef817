# CIFAR-100 with the recipe of the distillation papers: 240 epochs of batches of 128,
# SGD with Nesterov momentum, learning rate 0.1, divided by 10 three times.
_base_ = './runtime.py'

data_root = 'data/cifar100'
model = dict(
    type='ImageClassifier',
    num_classes=100,
    data_preprocessor=dict(
        type='ImageBatchPreprocessor',
        mean=[125.3, 123.0, 113.9],
        std=[63.0, 62.1, 66.7],
        max_shift=4,
        flip=0.5,
    ),
)
train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    # The images are in memory, and augmented as a batch by the data preprocessor.
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CIFAR100Images', root=data_root, train=True),
)
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CIFAR100Images', root=data_root, train=False),
)
test_dataloader = val_dataloader

train_cfg = dict(by_epoch=True, max_epochs=240, val_interval=10)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[150, 180, 210], gamma=0.1),
]
