import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import MaskedConv2d

pytestmark = pytest.mark.usefixtures('standin')  # the compiled one is for GPUs only


@pytest.mark.parametrize('kernel, padding', [(1, 0), (3, 1), ((3, 5), (1, 2))])
def test_is_the_convolution_at_the_marked_places(kernel, padding):
    torch.manual_seed(0)
    conv = MaskedConv2d(3, 4, kernel, padding=padding).eval()
    x, mask = torch.randn(1, 3, 6, 7), torch.rand(1, 6, 7) > 0.5
    expected = F.conv2d(x, conv.weight, conv.bias, padding=padding)
    torch.testing.assert_close(conv(x, mask), expected * mask)


def test_values_by_hand(standin):
    im = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    rows, columns = torch.tensor([0, 1]), torch.tensor([1, 0])
    col = torch.full((4, 2), -1.0)
    # The kernel's upper left is one above and one to the left of the place.
    standin.masked_im2col_forward(im, rows, columns, col, 2, 2, 1, 1)
    assert col.T.tolist() == [[0, 0, 1, 2], [0, 1, 0, 3]]

    out = torch.zeros(1, 2, 2, 2)
    col = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    standin.masked_col2im_forward(col, rows, columns, out, 2, 2, 2)
    assert out.tolist() == [[[[0, 5], [6, 0]], [[0, 7], [8, 0]]]]


def test_nothing_marked():
    conv = MaskedConv2d(3, 4, 1)
    assert not conv(torch.ones(1, 3, 2, 2), torch.zeros(1, 2, 2)).any()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype):
    torch.manual_seed(0)
    conv = MaskedConv2d(3, 4, 3, padding=1).to(dtype)
    x = torch.randn(1, 3, 5, 5).to(dtype)
    got = conv(x, torch.ones(1, 5, 5))
    assert got.dtype == dtype
    torch.testing.assert_close(got, conv(x), atol=1e-2, rtol=1e-2)
