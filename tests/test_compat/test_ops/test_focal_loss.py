import pytest
import torch
from mmcv.ops import sigmoid_focal_loss
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss


def test_is_mmdetections_own(standin):
    """Whose CPU path needs no operator."""
    torch.manual_seed(0)
    logits = torch.randn(6, 3, dtype=torch.float64) * 3
    target = torch.tensor([0, 1, 2, 3, 3, 0])  # 3 is the background.
    one_hot = torch.eye(4, dtype=torch.float64)[target][:, :3]
    for gamma, alpha in ((2.0, 0.25), (1.5, 0.6)):
        inputs = [logits.clone().requires_grad_() for _ in range(2)]
        factors = torch.rand(6, 3, dtype=torch.float64)
        got = sigmoid_focal_loss(inputs[0], target, gamma, alpha, None, 'none')
        (got * factors).sum().backward()
        expected = py_sigmoid_focal_loss(
            inputs[1], one_hot, gamma=gamma, alpha=alpha, reduction='none'
        )
        (expected * factors).sum().backward()
        torch.testing.assert_close(got, expected)
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


def test_class_weights_are_named(standin):
    with pytest.raises(NotImplementedError, match='focal_loss with class weights'):
        sigmoid_focal_loss(
            torch.zeros(1, 3), torch.tensor([0]), 2.0, 0.25, torch.ones(3)
        )
