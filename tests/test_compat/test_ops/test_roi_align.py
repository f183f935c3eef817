import pytest
import torch
from mmcv.ops import RoIAlign


def test_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    feat = values['feat'].requires_grad_()
    out = RoIAlign((7, 7), spatial_scale=0.25, sampling_ratio=0)(feat, values['rois'])
    out.pow(2).sum().backward()
    torch.testing.assert_close(out, values['roi_align_out'], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(
        feat.grad, values['roi_align_grad'], atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype, standin):
    torch.manual_seed(0)
    feat = torch.randn(1, 2, 8, 8).to(dtype).requires_grad_()
    rois = torch.tensor([[0, 1, 1, 6, 7]], dtype=dtype)
    align = RoIAlign((2, 2), spatial_scale=1.0, sampling_ratio=2)
    out = align(feat, rois)
    out.sum().backward()

    exact_feat = feat.detach().float().requires_grad_()
    exact = align(exact_feat, rois.float())
    exact.sum().backward()
    assert out.dtype == feat.grad.dtype == dtype
    assert torch.equal(out, exact.to(dtype))
    assert torch.equal(feat.grad, exact_feat.grad.to(dtype))


def test_no_rois():
    feat = torch.ones(1, 2, 8, 8, requires_grad=True)
    out = RoIAlign((7, 7))(feat, torch.zeros(0, 5))
    out.sum().backward()
    assert out.shape == (0, 2, 7, 7)
    assert not feat.grad.any()


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_unknown_rois_give_unknown_values(sampling_ratio, standin):
    """Rather than the end of the process, as when a training diverges."""
    feat = torch.ones(1, 2, 40, 50, requires_grad=True)
    rois = torch.tensor([[0, 1, 1, 6, 7], [0, torch.nan, 1, 5, 6]])
    out = RoIAlign((2, 2), 1.0, sampling_ratio)(feat, rois)
    assert out[0].isfinite().all()
    assert out[1].isnan().all()
    out.sum().backward()
