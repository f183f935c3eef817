"""Divergence of distributions, taken apart at the true class."""

import torch
import torch.nn.functional as F
from torch import Tensor


def decoupled_divergence(
    preds: Tensor,
    targets: Tensor,
    labels: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    tau: float = 4.0,
) -> Tensor:
    """Compare how likely the true class is, and the others among themselves.

    "Decoupled Knowledge Distillation" (DKD, CVPR 2022,
    https://arxiv.org/abs/2203.08679): the Kullback-Leibler divergence falls into that
    of (true class, any other), and that of the other classes' distribution times the
    teacher's probability of any other; here each has a weight of its own instead. The
    defaults are those of the authors' code for CIFAR-100, which also lets the loss grow
    over the first 20 epochs.

    Args:
        preds (Tensor): Logits (K, C) of the student.
        targets (Tensor): Those of the teacher.
        labels (Tensor): The true classes (K,).
        alpha (float): Weight of the true class's part. Defaults to 1.0.
        beta (float): Weight of the other classes' part. Defaults to 8.0.
        tau (float): Temperature of the softmax. Defaults to 4.0.

    Returns:
        Tensor: A value for each row (K,), times the temperature squared.
    """
    preds, targets = preds / tau, targets / tau
    own = F.one_hot(labels, preds.shape[1]).bool()
    shape = len(preds), preds.shape[1] - 1
    parts = []
    for rows in (preds, targets):
        log = rows.log_softmax(1)
        others = log[~own].view(shape)
        pair = torch.stack([log[own], others.logsumexp(1)], 1)
        parts.append((pair, others.log_softmax(1)))
    true, rest = (
        F.kl_div(pred, target, reduction='none', log_target=True).sum(1)
        for pred, target in zip(*parts, strict=True)
    )
    return tau**2 * (alpha * true + beta * rest)
