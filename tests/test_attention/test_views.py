import copy

import pytest
import torch
import toys

from mmreviewkd.attention import attention_maps, connectors, see
from mmreviewkd.attention.views import energy
from mmreviewkd.connectors import ReviewConnector
from mmreviewkd.features import measure


def test_attention_is_that_of_the_textbook():
    """Both maps side by side, one convolution."""
    torch.manual_seed(0)
    connector = ReviewConnector([3, 3, 3], [4, 4, 4], mid_channels=2).eval()
    feats = [torch.rand(1, 3, size, size) for size in (8, 4, 2)]
    reviews = [
        level.register_forward_hook(lambda *args: found.insert(0, args[-1][1]))
        for level in connector.levels
    ]
    found = []
    connector(feats)
    for hook in reviews:
        hook.remove()

    fine, middle, coarse = attention_maps(connector, feats)
    assert coarse is None
    for maps, level in ((fine, 0), (middle, 1)):
        fusion = connector.levels[level]
        review = found[level + 1].repeat_interleave(2, 2).repeat_interleave(2, 3)
        together = torch.cat([fusion.project(feats[level]), review], dim=1)
        expected = fusion.attention(together).sigmoid()
        assert maps.shape == (1, 2, *feats[level].shape[2:])
        torch.testing.assert_close(maps, expected)
    assert not any(level._forward_hooks for level in connector.levels)


def test_energy_by_hand():
    feat = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    assert energy(feat).item() == pytest.approx((25 / 2) ** 0.5)


def test_a_detector_sees_as_it_predicts():
    torch.manual_seed(0)
    model = toys.build(toys.detector()).eval()
    data = toys.batch(sizes=((48, 64),))
    before = copy.deepcopy(data)
    view = see('student', model, data, measure(model, ['neck'], 'student'))
    assert [tuple(feat.shape[1:]) for feat in view.feats[:2]] == [
        (8, 16, 16),
        (8, 8, 8),
    ]
    assert torch.equal(data['inputs'][0], before['inputs'][0])
    (expected,) = model.test_step(data)
    assert torch.equal(
        view.sample.pred_instances.scores, expected.pred_instances.scores
    )
    assert not model.neck._forward_hooks


def test_connectors_of_several_distillations():
    one = toys.distilled(None)['distillation']
    model = toys.build(toys.distilled(None, distillation=[one, one]))
    assert connectors(model) == [d.connector for d in model.distillation]
