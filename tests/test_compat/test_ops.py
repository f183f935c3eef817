import sys

import pytest
import torch
from mmcv.ops import RoIAlign, batched_nms, nms, sigmoid_focal_loss, soft_nms
from mmcv.utils.ext_loader import check_ops_exist
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

from mmreviewkd.compat import ops

standin = pytest.mark.skipif(
    getattr(sys.modules.get('mmcv._ext'), 'nms', None) is not ops.nms,
    reason='this environment has the compiled mmcv',
)


def test_nms_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    dets, keep = nms(values['boxes'], values['scores'], iou_threshold=0.7)
    assert torch.equal(keep, values['nms_keep'])
    torch.testing.assert_close(dets, values['nms_dets'], atol=1e-6, rtol=0)


def test_batched_nms_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    dets, keep = batched_nms(
        values['boxes'],
        values['scores'],
        values['idxs'],
        {'type': 'nms', 'iou_threshold': 0.5},
    )
    assert torch.equal(keep, values['batched_nms_keep'])
    torch.testing.assert_close(dets, values['batched_nms_dets'], atol=1e-6, rtol=0)


def test_roi_align_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    feat = values['feat'].requires_grad_()
    out = RoIAlign((7, 7), spatial_scale=0.25, sampling_ratio=0)(feat, values['rois'])
    out.pow(2).sum().backward()
    torch.testing.assert_close(out, values['roi_align_out'], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(
        feat.grad, values['roi_align_grad'], atol=1e-6, rtol=1e-6
    )


def test_nms_counts_the_offset():
    # Widths 4 and 2, both 1 high: they overlap by 2 / 4 = 0.5 without the offset, and
    # by (3 * 2) / (5 * 2) = 0.6 with it.
    boxes = torch.tensor([[0.0, 0.0, 4.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.55, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.55, offset=1)[1].tolist() == [0]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_nms_in_low_precision(dtype):
    boxes = torch.tensor([[0, 0, 8, 8], [0, 0, 8, 7], [8, 8, 16, 16]], dtype=dtype)
    scores = torch.tensor([0.5, 0.75, 0.25], dtype=dtype)
    dets, keep = nms(boxes, scores, 0.5)
    assert keep.tolist() == [1, 2]
    assert dets.dtype == dtype


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_roi_align_in_low_precision(dtype):
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


@standin
def test_focal_loss_is_mmdetections_own():
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
    with pytest.raises(NotImplementedError, match='focal_loss with class weights'):
        sigmoid_focal_loss(logits, target, 2.0, 0.25, torch.ones(3).double())


def test_nothing_in_nothing_out():
    dets, keep = nms(torch.zeros(0, 4), torch.zeros(0), 0.5, offset=1)
    assert dets.shape == (0, 5) and keep.shape == (0,)
    feat = torch.ones(1, 2, 8, 8, requires_grad=True)
    out = RoIAlign((7, 7))(feat, torch.zeros(0, 5))
    out.sum().backward()
    assert out.shape == (0, 2, 7, 7)
    assert not feat.grad.any()


@standin
def test_other_operator_is_named():
    with pytest.raises(NotImplementedError, match='softnms .*install "mmcv>=2.1.0'):
        soft_nms(torch.ones(1, 4), torch.ones(1), 0.5)


@standin
def test_max_pooling_is_named():
    align = RoIAlign((7, 7), pool_mode='max')
    with pytest.raises(NotImplementedError, match="pool_mode='max'"):
        align(torch.ones(1, 2, 8, 8), torch.tensor([[0.0, 1.0, 1.0, 6.0, 6.0]]))


@standin
def test_module_is_a_proper_one():
    module = sys.modules['mmcv._ext']
    assert module.__spec__.name == 'mmcv._ext'
    assert not hasattr(module, '__path__')
    assert check_ops_exist()


def test_compiled_module_wins(monkeypatch, tmp_path):
    import mmcv

    (tmp_path / '_ext.py').write_text("nms = 'compiled'\n")
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    import mmcv._ext as ext

    assert ext.nms == 'compiled'


def test_install_is_idempotent():
    before = list(sys.meta_path)
    ops.install()
    assert sys.meta_path == before
