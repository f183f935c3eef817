import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmreviewkd.attention import View, draw
from mmreviewkd.attention.picture import ATTENTION


@pytest.fixture
def figure() -> Figure:
    """Of an image of 20x40, scaled to 40x80, padded to 64x96."""
    sample = DetDataSample(
        metainfo=dict(img_shape=(40, 80), batch_input_shape=(64, 96)),
        pred_instances=InstanceData(
            bboxes=torch.tensor([[2.0, 2.0, 18.0, 16.0]]),
            scores=torch.tensor([0.9]),
            labels=torch.tensor([1]),
        ),
    )
    feats = torch.ones(1, 3, 16, 24), torch.full((1, 3, 8, 12), 2.0)
    views = [View('teacher', feats, None), View('distilled', feats, sample)]
    attention = [torch.full((1, 2, 16, 24), 0.25), None]
    image = np.full((20, 40, 3), 99, np.uint8)
    return draw(image, views, [attention], ('a', 'b\n' * 30))


def panels(figure):
    """By row and column; the colour bar comes last."""
    return np.array(figure.axes[:12]).reshape(4, 3)


def test_rows_and_columns(figure):
    rows = panels(figure)
    assert [row[0].get_ylabel() for row in rows[:2]] == ['teacher', 'distilled']
    assert [row[0].texts[0].get_text() for row in rows[2:]] == list(ATTENTION)
    assert [axes.get_title() for axes in rows[0, 1:]] == ['stride 4', 'stride 8']


def test_predictions_are_drawn(figure):
    teacher, distilled = (row[0] for row in panels(figure)[:2])
    assert (teacher.images[0].get_array() == 99).all()
    picture = distilled.images[0].get_array()
    # The box is from (2, 2) to (18, 16), the picture 15 times as large.
    assert (picture[15 * 12, 15 * 2] != 99).any()
    assert (picture[15 * 12, 15 * 30] == 99).all()


def test_maps_lie_where_they_belong(figure):
    _, energy = panels(figure)[1, 1].images
    # What lies over padding sticks out of the image.
    assert tuple(energy.get_extent()) == pytest.approx((0, 48, 32, 0))
    assert panels(figure)[1, 1].get_xlim() == (0, 40)
    assert panels(figure)[1, 1].get_ylim() == (20, 0)
    assert (energy.get_array() == 1).all() and energy.get_clim() == (0, 1)
    _, attention = panels(figure)[3, 1].images
    assert (attention.get_array() == 0.25).all() and attention.get_clim() == (0, 1)
    # The coarsest level has no review.
    assert not panels(figure)[3, 2].images
