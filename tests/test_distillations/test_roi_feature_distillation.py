import steps
import torch
from mmdet.registry import MODELS
from torch import nn

from mmreviewkd.distillations import RoIFeatureDistillation
from mmreviewkd.distillations.object_distillation import pool


@MODELS.register_module()
class MeanErrorOfRows(nn.Module):
    def forward(self, preds, targets):
        (pred,), (target,) = preds, targets
        return (pred - target).abs().mean()


def test_the_loss_gets_a_matrix_of_each_side():
    step = steps.step([[[8, 8, 24, 24]], [[0, 8, 9, 24], [8, 0, 24, 9]]])
    loss = dict(type='MeanErrorOfRows')
    found = RoIFeatureDistillation([4, 4], [4, 4], loss)(step)
    preds, targets = (
        pool(maps, step.boxes, (8, 16)) for maps in (step.feats, step.targets)
    )
    torch.testing.assert_close(found, (preds - targets).abs().mean())
