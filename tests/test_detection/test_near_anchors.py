from dataclasses import replace

import batches
import pytest
import torch

from mmreviewkd.detection.near_anchors import near_anchors, near_masks
from mmreviewkd.features import Feature


def test_near_anchors_by_hand():
    """Overlaps of a 10x10 box: 1, 1/2, 0.36 and 0."""
    box = torch.tensor([[0.0, 0, 10, 10]])
    anchors = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 6, 6], [20, 20, 30, 30]]
    )
    assert near_anchors(box, anchors, 0.4).tolist() == [True, True, False, False]
    # The share is of the best overlap: without the first, half of 1/2 is enough.
    assert near_anchors(box, anchors[1:], 0.5).tolist() == [True, True, False]


def test_near_any_of_several_objects():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    anchors = torch.tensor([[0.0, 0, 10, 10], [50, 0, 60, 10], [21, 21, 30, 30]])
    assert near_anchors(boxes, anchors, 0.5).tolist() == [True, False, True]


def test_nothing_is_near_without_objects_or_overlap():
    anchors = torch.tensor([[0.0, 0, 10, 10]])
    assert not near_anchors(torch.zeros(0, 4), anchors, 0.5).any()
    assert not near_anchors(torch.tensor([[50.0, 50, 60, 60]]), anchors, 0.5).any()


def test_masks_of_all_levels_together():
    """Half the best overlap of all levels decides, not of each level alone."""
    batch = batches.batch([[[8, 0, 24, 16]], []])
    fine, coarse = near_masks(batch, 0.5, 'FGFI')
    assert fine.shape == (2, 4, 4) and coarse.shape == (2, 2, 2)
    anchors = batch.student.rpn_head.prior_generator.grid_priors(
        [(8, 8), (4, 4), (2, 2)], device='cpu'
    )[1:]
    box = batch.boxes[0][0].tolist()
    overlaps = [
        torch.tensor([iou(box, anchor) for anchor in level.tolist()])
        for level in anchors
    ]
    best = max(level.max() for level in overlaps)
    for mask, level in zip((fine, coarse), overlaps, strict=True):
        near = (level > 0.5 * best).view(*mask.shape[1:], 3).any(-1)
        assert torch.equal(mask[0], near)
    assert fine[0].any()
    assert not fine[1].any() and not coarse[1].any()


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return both / (sum(areas) - both)


def test_maps_that_the_heads_do_not_get_have_no_anchors():
    one = batches.batch([[[8, 0, 24, 16]]])
    backbone = replace(one, levels=(Feature('backbone', 1, 4, 8), one.levels[1]))
    with pytest.raises(ValueError, match='the features of its neck, but model.student'):
        near_masks(backbone, 0.5, 'FGFI')
    more = replace(one, student_feats=(*one.student_feats, one.feats[0]))
    with pytest.raises(ValueError, match='has 4 maps and anchors on 3 levels'):
        near_masks(more, 0.5, 'FGFI')
