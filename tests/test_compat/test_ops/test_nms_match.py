import numpy as np
import pytest
import torch
from mmcv.ops import nms_match


def test_values_by_hand():
    # IoUs with the second box: 6 / 10, just the threshold, and 5 / 10.
    dets = torch.tensor(
        [
            [0, 0, 6, 1, 0.5],
            [0, 0, 10, 1, 0.9],
            [5, 0, 10, 1, 0.7],
            [0, 0, 7, 1, 0.6],
            [20, 0, 21, 1, 0.8],
        ]
    )
    groups = [group.tolist() for group in nms_match(dets, 0.6)]
    assert groups == [[1, 3, 0], [4], [2]]


@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.6, 0.7])
def test_equals_plain_loops(threshold):
    """On small whole numbers, where many overlaps are just the threshold."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 6, (100, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 11, (100, 2))], 1)
    boxes = boxes.astype(np.float32)
    scores = rng.permutation(100).astype(np.float32) / 100
    dets = torch.tensor(np.concatenate([boxes, scores[:, None]], 1))
    got = [group.tolist() for group in nms_match(dets, threshold)]
    assert got == plain_nms_match(boxes, scores, np.float32(threshold))


def plain_nms_match(boxes, scores, threshold):
    """In float32, as mmcv computes it."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    groups = []
    for index in np.argsort(-scores):
        for group in groups:
            better = group[0]
            x1, y1 = np.maximum(boxes[index, :2], boxes[better, :2])
            x2, y2 = np.minimum(boxes[index, 2:], boxes[better, 2:])
            common = max(x2 - x1, 0) * max(y2 - y1, 0)
            if common / (areas[index] + areas[better] - common) >= threshold:
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


def test_no_boxes():
    assert list(nms_match(torch.zeros(0, 5), 0.5)) == []
