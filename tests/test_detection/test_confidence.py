from types import SimpleNamespace

import pytest
import torch
from mmdet.models.dense_heads import TOODHead, YOLOXHead

from mmreviewkd.detection.confidence import confidence


def head(kind=SimpleNamespace, sigmoid=True, channels=2):
    made = kind.__new__(kind)
    made.__dict__.update(use_sigmoid_cls=sigmoid, cls_out_channels=channels)
    return made


def column(*values):
    """A map (1, C, 1, 1)."""
    return torch.tensor(values).view(1, -1, 1, 1)


ZERO = torch.zeros(1, 4, 1, 1)


def test_each_anchor_has_that_of_its_likeliest_class():
    found = confidence(head(), [[ZERO, column(-2.0, 0.0, 3.0, 1.0)]], 1)
    expected = torch.tensor([0.0, 3.0]).sigmoid()
    torch.testing.assert_close(found, expected.view(1, 2, 1, 1))


def test_background_does_not_count():
    scores = torch.tensor([0.2, 0.1, 0.7]).log()
    found = confidence(head(sigmoid=False, channels=3), [[column(*scores)]], 0)
    assert found.item() == pytest.approx(0.2)


def test_tood_gives_probabilities():
    found = confidence(head(TOODHead), [[column(0.25, 0.75)]], 0)
    assert found.flatten().tolist() == [0.75]


def test_yolox_counts_objectness():
    outputs = [[column(-1.0, 2.0)], [ZERO], [column(0.5)]]
    expected = torch.tensor(2.0).sigmoid() * torch.tensor(0.5).sigmoid()
    torch.testing.assert_close(
        confidence(head(YOLOXHead), outputs, 0)[0, 0, 0, 0], expected
    )


def test_half_precision_is_left_before_the_sigmoid():
    """In float16 a background's would be 0."""
    scores = column(-20.0, -30.0).half()
    found = confidence(head(), [[scores]], 0)
    assert found.dtype == torch.float32 and found.item() > 0
