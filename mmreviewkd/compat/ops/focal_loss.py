"""The sigmoid focal loss, by torchvision."""

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from .gradients import gradients
from .refusal import refuse

__all__ = ['sigmoid_focal_loss_backward', 'sigmoid_focal_loss_forward']


def sigmoid_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the focal loss of logits ``input`` (N, C) into ``output`` (N, C).

    ``target`` (N,) holds the classes, C for none of them. MMDetection calls it on
    GPUs only.
    """
    output.copy_(_focal_loss(input, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the gradient of :func:`sigmoid_focal_loss_forward`'s sum."""

    def loss(logits: Tensor) -> Tensor:
        return _focal_loss(logits, target, weight, gamma, alpha)

    grad_input.copy_(gradients(loss, [input], torch.ones_like(input))[0])


def _focal_loss(
    input: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float
) -> Tensor:
    if weight.numel():
        refuse('sigmoid_focal_loss with class weights')
    classes = input.shape[1]
    one_hot = F.one_hot(target, classes + 1)[:, :classes].to(input.dtype)
    return torchvision.ops.sigmoid_focal_loss(input, one_hot, alpha, gamma)
