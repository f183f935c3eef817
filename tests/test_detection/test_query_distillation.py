import math

import pytest
import steps
import stock
import torch
import toys

from mmreviewkd.detection import QueryDistillation
from mmreviewkd.detection.query_distillation import match, pair_distances

DEFORMABLE = 'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py'
DINO = 'dino/dino-4scale_r50_8xb2-12e_coco.py'
CONDITIONAL = 'conditional_detr/conditional-detr_r50_8xb2-50e_coco.py'
DAB = 'dab_detr/dab-detr_r50_8xb2-50e_coco.py'
DETECTORS = dict(
    detr=stock.detr,
    conditional=lambda: stock.detr_with_anchors(CONDITIONAL),
    dab=lambda: stock.detr_with_anchors(DAB),
    deformable=lambda: stock.deformable(DEFORMABLE),
    dino=lambda: stock.deformable(DINO, width=256),
)


def queries(**kwargs):
    return QueryDistillation([], [], **kwargs)


def test_equal_queries_find_each_other():
    torch.manual_seed(0)
    classes, boxes = torch.rand(6, 3), 0.2 + 0.5 * torch.rand(6, 4)
    order = torch.randperm(6)
    ours, theirs = match(
        (classes, boxes), (classes[order], boxes[order]), (1.0, 5.0, 2.0)
    )
    assert torch.equal(ours, order[theirs])


def test_each_query_is_taken_once():
    """The first is nearest to both, but the second costs the other less."""
    far, near = [0.8, 0.8, 0.1, 0.1], [0.2, 0.2, 0.1, 0.1]
    ours = torch.ones(2, 1), torch.tensor([near, far])
    theirs = torch.ones(2, 1), torch.tensor([[0.25, 0.2, 0.1, 0.1], near])
    assert match(ours, theirs, (1.0, 5.0, 2.0))[1].tolist() == [1, 0]


def test_the_side_with_fewer_is_matched():
    torch.manual_seed(0)
    ours, theirs = (
        (torch.rand(2, 3), torch.rand(2, 4)),
        (
            torch.rand(5, 3),
            torch.rand(5, 4),
        ),
    )
    assert [len(one) for one in match(ours, theirs, (1, 1, 1))] == [2, 2]


def test_pairs_by_hand():
    """Sigmoids 1/2 and 3/4; boxes of one size, half of one beside the other."""
    ours = torch.zeros(1, 1), torch.tensor([[0.4, 0.5, 0.2, 0.2]])
    theirs = torch.tensor([[math.log(3)]]), torch.tensor([[0.5, 0.5, 0.2, 0.2]])
    found = pair_distances(ours, theirs, sigmoid=True).flatten().tolist()
    divergence = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    # IoU 1/3, and the hull is the union.
    assert found == pytest.approx([divergence, 0.1, 2 / 3], rel=1e-4)
    ours = torch.zeros(1, 2), ours[1]
    theirs = torch.tensor([[math.log(3), 0.0]]), theirs[1]
    softmax = pair_distances(ours, theirs, sigmoid=False)
    assert softmax[0].item() == pytest.approx(divergence, rel=1e-5)


@pytest.mark.parametrize('kind', DETECTORS)
def test_learns_until_it_is_like_the_teacher(kind):
    config = DETECTORS[kind]()
    student, teacher = steps.pair(config, std=0.3)
    distillation = queries()
    losses = distillation(steps.step(distillation, student, teacher))
    assert set(losses) == {'loss_cls', 'loss_bbox', 'loss_iou'}
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert student.backbone.conv1.weight.grad.any()

    student, teacher = steps.twins(DETECTORS[kind]())
    for module in student.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    losses = distillation(steps.step(distillation, student, teacher))
    # Denoising queries change nothing for the others.
    assert [x.item() for x in losses.values()] == pytest.approx([0] * 3, abs=1e-4)


def test_as_in_plain_loops():
    """All permutations of three queries; the best of the teacher's three."""
    from itertools import permutations

    student, teacher = steps.pair(stock.detr(), std=0.5)
    distillation = queries(queries=3)
    one = steps.step(distillation, student, teacher)
    found = distillation(one)
    inputs = teacher.forward_transformer(one.teacher_feats, one.data_samples)
    theirs = [layers[-1].double() for layers in teacher.bbox_head(**inputs)]
    ours = [x[-1].detach().double() for x in one.call('bbox_head').output]
    sums, weights = [0.0] * 3, 0.0
    for scores, boxes, their_scores, their_boxes in zip(*ours, *theirs, strict=True):
        p, q = their_scores.softmax(1), scores.softmax(1)
        best = p[:, :3].amax(1).argsort(descending=True)[:3].tolist()

        def parts(own, other, p=p, q=q, boxes=boxes, their_boxes=their_boxes):
            corners = []
            for box in (boxes[own], their_boxes[other]):
                x, y, w, h = box.tolist()
                corners.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
            sides = (boxes[own] - their_boxes[other]).abs().sum().item()
            return sides, 1 - steps.giou(*corners)

        def cost(chosen, p=p, q=q, best=best, parts=parts):
            total = 0.0
            for own, other in zip(chosen, best, strict=True):
                sides, overlap = parts(own, other)
                classes = (p[other] - q[own]).abs().sum().item()
                total += classes + 5 * sides + 2 * overlap
            return total

        chosen = min(permutations(range(len(boxes)), 3), key=cost)
        for own, other in zip(chosen, best, strict=True):
            weight = p[other, :3].max().item()
            divergence = (p[other] * (p[other] / q[own]).log()).sum().item()
            sides, overlap = parts(own, other)
            for n, value in enumerate((divergence, 5 * sides, 2 * overlap)):
                sums[n] += weight * value
            weights += weight
    expected = [value / weights for value in sums]
    assert [x.item() for x in found.values()] == pytest.approx(expected, rel=1e-3)


def test_one_kind_under_another():
    student, teacher = steps.pair(DETECTORS['deformable'](), DETECTORS['dino']())
    distillation = queries()
    losses = distillation(steps.step(distillation, student, teacher))
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_other_detectors_are_refused():
    student, _ = steps.pair(toys.detector())
    with pytest.raises(ValueError, match='DETR family: DETR, .*; got FasterRCNN'):
        queries().student_modules(student)


def test_heads_that_cannot_be_compared():
    student, teacher = steps.pair(DETECTORS['deformable'](), DETECTORS['dino']())
    distillation = queries()
    one = steps.step(distillation, student, teacher)
    teacher.bbox_head.loss_cls.use_sigmoid = False
    with pytest.raises(
        ValueError, match="a sigmoid for each class, the teacher's a so"
    ):
        distillation(one)
    teacher.bbox_head.num_classes = 5
    with pytest.raises(
        ValueError, match='student tells 3 classes apart, the teacher 5'
    ):
        distillation(one)
