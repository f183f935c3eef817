# coco_1x.py with masks.
_base_ = './coco_1x.py'

_base_.train_dataloader.dataset.pipeline[1].with_mask = True
_base_.val_dataloader.dataset.pipeline[2].with_mask = True
_base_.test_dataloader.dataset.pipeline[2].with_mask = True
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = dict(metric=['bbox', 'segm'])
