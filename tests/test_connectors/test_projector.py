import torch

from mmreviewkd.connectors import ProjectorConnector


def test_two_convolutions_with_a_relu_between_them():
    torch.manual_seed(0)
    feat = torch.randn(1, 2, 3, 4)
    connector = ProjectorConnector([2], [5])
    first, _, second = connector.projections[0]
    (out,) = connector([feat])
    hidden = torch.einsum('oi,nihw->nohw', first.weight[..., 0, 0], feat)
    hidden = (hidden + first.bias.view(1, -1, 1, 1)).clamp(min=0)
    expected = torch.einsum('oi,nihw->nohw', second.weight[..., 0, 0], hidden)
    torch.testing.assert_close(out, expected + second.bias.view(1, -1, 1, 1))
