import pytest
import torch

from mmreviewkd.connectors import ReviewConnector


def test_three_levels_by_hand():
    """Constant maps and weights: every number can be followed on paper."""
    connector = ReviewConnector(
        [1] * 3, [1] * 3, mid_channels=1, fusion=dict(type='AdditiveFusion')
    )
    connector.eval().double()
    for level in connector.levels:
        level.project.conv.weight.data.fill_(2.0)
        level.output.conv.weight.data.zero_()
        level.output.conv.weight.data[..., 1, 1] = 1.0
    feats = [
        torch.full((1, 1, size, size), value, dtype=torch.float64)
        for size, value in ((8, 1.0), (4, 3.0), (2, 5.0))
    ]
    bn = (1 + 1e-5) ** -0.5  # evaluation mode, fresh statistics
    outs = connector(feats)
    for out, feat, total in zip(outs, feats, (9, 8, 5), strict=True):
        assert out.shape == feat.shape
        assert out.unique().tolist() == pytest.approx([2 * total * bn**2])


def test_weights_are_those_of_abf_but_for_attention():
    def state(**fusion):
        connector = ReviewConnector([4] * 3, [8] * 3, **fusion)
        return {name: value.shape for name, value in connector.state_dict().items()}

    abf = state()
    assert state(fusion=dict(type='AdditiveFusion')) == {
        name: shape for name, shape in abf.items() if 'attention' not in name
    }
    assert any('attention' in name for name in abf)
