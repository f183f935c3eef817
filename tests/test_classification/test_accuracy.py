"""Top-k accuracy."""

import torch

from mmreviewkd.classification import TopKAccuracy


def test_counts_images_by_the_rank_of_their_class():
    scores = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]])
    metric = TopKAccuracy(topk=(1, 2, 3))
    for score, label in zip(scores, [0, 1, 0], strict=True):  # Ranks 0, 1 and 2.
        metric.process(None, [dict(pred_score=score, gt_label=torch.tensor(label))])
    found = metric.evaluate(3)
    assert {name: round(value, 3) for name, value in found.items()} == {
        'accuracy/top1': 33.333,
        'accuracy/top2': 66.667,
        'accuracy/top3': 100.0,
    }


def test_equal_scores_are_no_success():
    # One value needs no list, as in MMPretrain.
    metric = TopKAccuracy(topk=1)
    metric.process(None, [dict(pred_score=torch.zeros(4), gt_label=0)])
    assert metric.evaluate(1) == {'accuracy/top1': 0.0}


def test_scores_that_are_no_numbers_are_no_success():
    """Those of a model that has diverged; the likeliest class is then unknown."""
    nan = float('nan')
    metric = TopKAccuracy(topk=(1,))
    for scores, label in [((nan, nan, nan), 0), ((nan, 1, 0), 0), ((nan, 1, 0), 1)]:
        metric.process(None, [dict(pred_score=torch.tensor(scores), gt_label=label)])
    assert metric.evaluate(3) == {'accuracy/top1': 0.0}
