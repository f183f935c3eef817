import os

import forked
import torch
from torch import distributed

from mmreviewkd.detection.weighted_mean import weighted_mean

VALUES = [torch.tensor([[3.0, -1.0]]), torch.tensor([[2.0, 5.0, 0.5]])]
WEIGHTS = [torch.tensor([0.5, 0.25]), torch.tensor([1.0, 0.0, 0.25])]


def test_by_hand():
    found = weighted_mean(
        torch.tensor([[4.0, 8.0], [1.0, 0.0]]), torch.tensor([3.0, 1])
    )
    assert found.tolist() == [5, 0.75]


def test_0_without_weights():
    values = torch.ones(2, requires_grad=True)
    found = weighted_mean(values, torch.zeros(2))
    found.backward()
    assert found == 0 and not values.grad.any()
    assert weighted_mean(torch.ones(0), torch.zeros(0)) == 0


def test_processes_together_are_one(tmp_path):
    """Their gradients, averaged as in training, are those of one with all values."""

    def work():
        rank = int(os.environ['RANK'])
        distributed.init_process_group('gloo')
        values = VALUES[rank].clone().requires_grad_()
        mean = weighted_mean(values, WEIGHTS[rank])
        mean.sum().backward()
        assert (values.grad / 2).tolist() == [(WEIGHTS[rank] / 2).tolist()]
        distributed.all_reduce(mean.detach_())
        assert (mean / 2).tolist() == [3.375 / 2]
        distributed.destroy_process_group()

    forked.together(work, tmp_path)
