import math

import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, soft_nms


def plain_soft_nms(boxes, scores, threshold, sigma, min_score, method, offset):
    """Bodla et al., Soft-NMS, figure 3, in float64."""
    boxes, scores = boxes.double().numpy(), scores.double().numpy().copy()
    areas = (boxes[:, 2:] - boxes[:, :2] + offset).prod(1)
    left, dets, inds = list(range(len(boxes))), [], []
    while left:
        best = max(left, key=lambda index: scores[index])
        left.remove(best)
        inds.append(best)
        dets.append([*boxes[best], scores[best]])
        for index in list(left):
            x1, y1 = np.maximum(boxes[index, :2], boxes[best, :2])
            x2, y2 = np.minimum(boxes[index, 2:], boxes[best, 2:])
            common = max(x2 - x1 + offset, 0) * max(y2 - y1 + offset, 0)
            areas = [
                np.prod(boxes[i, 2:] - boxes[i, :2] + offset) for i in (index, best)
            ]
            overlap = common / (sum(areas) - common)
            if method == 'gaussian':
                scores[index] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                scores[index] *= 1 - overlap if method == 'linear' else 0
            if scores[index] < min_score:
                left.remove(index)
    return torch.tensor(dets), inds


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_equals_plain_loops(method, offset):
    torch.manual_seed(0)
    corners = torch.rand(80, 2) * 30
    boxes = torch.cat([corners, corners + 5 + torch.rand(80, 2) * 20], 1)
    scores = torch.rand(80)
    arguments = (0.3, 0.5, 0.05, method, offset)
    dets, inds = soft_nms(boxes, scores, *arguments)
    expected_dets, expected_inds = plain_soft_nms(boxes, scores, *arguments)
    assert inds.tolist() == expected_inds
    assert 5 < len(inds) < 80
    torch.testing.assert_close(dets, expected_dets.float())


def test_values_by_hand():
    # IoU 6 / 10, just the threshold: soft NMS lowers that score too.
    boxes = torch.tensor([[0.0, 0.0, 6.0, 1.0], [0.0, 0.0, 10.0, 1.0], [20, 0, 21, 1]])
    scores = torch.tensor([0.5, 1.0, 0.3])
    dets, inds = soft_nms(boxes, scores, 0.6, method='linear')
    assert inds.tolist() == [1, 2, 0]
    torch.testing.assert_close(dets[:, 4], torch.tensor([1.0, 0.3, 0.5 * 0.4]))
    dets, inds = soft_nms(boxes, scores, 0.6, method='naive', min_score=0.1)
    assert inds.tolist() == [1, 2]
    dets, inds = soft_nms(boxes, scores, sigma=0.5, method='gaussian')
    expected = torch.tensor([1.0, 0.3, 0.5 * math.exp(-(0.6**2) / 0.5)])
    torch.testing.assert_close(dets[:, 4], expected)
    assert scores.tolist() == torch.tensor([0.5, 1.0, 0.3]).tolist()


def test_batched():
    boxes = torch.tensor([[0.0, 0.0, 6.0, 1.0], [0.0, 0.0, 10.0, 1.0]])
    scores = torch.tensor([0.5, 1.0])
    cfg = dict(type='soft_nms', iou_threshold=0.3, min_score=0.05)
    for classes, expected in (((0, 1), [1.0, 0.5]), ((0, 0), [1.0, 0.2])):
        dets, keep = batched_nms(boxes, scores, torch.tensor(classes), dict(cfg))
        assert keep.tolist() == [1, 0]
        torch.testing.assert_close(dets[:, 4], torch.tensor(expected))


def test_no_boxes():
    dets, inds = soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5) and inds.shape == (0,)
    assert inds.dtype == torch.int64


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions(dtype, standin):
    boxes = torch.tensor([[0, 0, 6, 1], [0, 0, 10, 1]], dtype=dtype)
    dets, inds = soft_nms(boxes, torch.tensor([0.5, 1.0], dtype=dtype))
    assert inds.tolist() == [1, 0]
    assert dets.dtype == dtype
    torch.testing.assert_close(
        dets[:, 4].float(), torch.tensor([1.0, 0.2]), atol=1e-3, rtol=0
    )
