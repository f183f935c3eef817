import batches
import torch
from mmdet.registry import MODELS
from torch import nn

from mmreviewkd.detection import RoIFeatureDistillation
from mmreviewkd.detection.object_distillation import pool


@MODELS.register_module()
class MeanErrorOfRows(nn.Module):
    def forward(self, preds, targets):
        (pred,), (target,) = preds, targets
        return (pred - target).abs().mean()


def test_the_loss_gets_a_matrix_of_each_side():
    batch = batches.batch([[[8, 8, 24, 24]], [[0, 8, 9, 24], [8, 0, 24, 9]]])
    loss = dict(type='MeanErrorOfRows')
    found = RoIFeatureDistillation([4, 4], [4, 4], loss)(batch)['loss']
    preds, targets = (
        pool(maps, batch.boxes, (8, 16)) for maps in (batch.feats, batch.targets)
    )
    torch.testing.assert_close(found, (preds - targets).abs().mean())
