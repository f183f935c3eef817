# Query distillation: class scores and boxes of matched queries, with DETR's weights.
detectors = ('DETR', 'ConditionalDETR', 'DABDETR', 'DeformableDETR', 'DINO')
method = dict(_delete_=True, type='QueryDistillation', queries=100, loss_weight=1.0)
