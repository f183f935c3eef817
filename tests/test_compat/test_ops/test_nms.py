import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, nms


def test_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    dets, keep = nms(values['boxes'], values['scores'], iou_threshold=0.7)
    assert torch.equal(keep, values['nms_keep'])
    torch.testing.assert_close(dets, values['nms_dets'], atol=1e-6, rtol=0)


def test_batched_equals_compiled(golden):
    values = golden('mmcv_ops.npz')
    dets, keep = batched_nms(
        values['boxes'],
        values['scores'],
        values['idxs'],
        {'type': 'nms', 'iou_threshold': 0.5},
    )
    assert torch.equal(keep, values['batched_nms_keep'])
    torch.testing.assert_close(dets, values['batched_nms_dets'], atol=1e-6, rtol=0)


def test_overlap_of_just_the_threshold_stays():
    # 6 / 10, which float32 rounds up: 0.6 itself is less.
    boxes = torch.tensor([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 6.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.6)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.599)[1].tolist() == [0]


def test_overlap_of_just_the_threshold_stays_in_float64(standin):
    # 7 / 10, which float32 rounds down: a float32 threshold would be less.
    boxes = torch.tensor([[0, 0, 10, 1], [0, 0, 7, 1]], dtype=torch.float64)
    scores = torch.tensor([0.9, 0.8], dtype=torch.float64)
    assert nms(boxes, scores, 0.7)[1].tolist() == [0, 1]


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
def test_equals_plain_loops(threshold, offset):
    """On small whole numbers, where many overlaps are just the threshold."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 6, (300, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 11, (300, 2))], 1)
    boxes = boxes.astype(np.float32)
    scores = rng.permutation(300).astype(np.float32) / 300
    keep = nms(torch.tensor(boxes), torch.tensor(scores), threshold, offset)[1]
    assert keep.tolist() == plain_nms(boxes, scores, np.float32(threshold), offset)


def plain_nms(boxes, scores, threshold, offset):
    """In float32, as mmcv computes it."""
    areas = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
    kept = []
    for index in np.argsort(-scores):
        for better in kept:
            x1, y1 = np.maximum(boxes[index, :2], boxes[better, :2])
            x2, y2 = np.minimum(boxes[index, 2:], boxes[better, 2:])
            common = max(x2 - x1 + offset, 0) * max(y2 - y1 + offset, 0)
            overlap = common / (areas[index] + areas[better] - common)
            assert overlap.dtype == threshold.dtype == np.float32
            if overlap > threshold:
                break
        else:
            kept.append(index)
    return kept


def test_counts_the_offset():
    # Widths 4 and 2, both 1 high: they overlap by 2 / 4 = 0.5 without the offset, and
    # by (3 * 2) / (5 * 2) = 0.6 with it.
    boxes = torch.tensor([[0.0, 0.0, 4.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.55, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.55, offset=1)[1].tolist() == [0]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype, standin):
    boxes = torch.tensor([[0, 0, 8, 8], [0, 0, 8, 7], [8, 8, 16, 16]], dtype=dtype)
    scores = torch.tensor([0.5, 0.75, 0.25], dtype=dtype)
    dets, keep = nms(boxes, scores, 0.5)
    assert keep.tolist() == [1, 2]
    assert dets.dtype == dtype


def test_no_boxes():
    dets, keep = nms(torch.zeros(0, 4), torch.zeros(0), 0.5, offset=1)
    assert dets.shape == (0, 5) and keep.shape == (0,)
