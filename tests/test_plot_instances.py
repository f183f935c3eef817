import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmengine.structures import InstanceData

from mmreviewkd import plot_instances
from mmreviewkd.plot_instances import (
    MAX_NAMES,
    MAX_OBJECTS,
    SIDE,
    DetLocalVisualizer,
    add_legend,
    class_colours,
    class_label,
    draw_objects,
    most_important,
)

GREY = np.full((30, 60, 3), 128, np.uint8)
CLASSES = ('cat', 'dog')


def objects(number, **fields):
    """Boxes that are the larger the later they come, all of the second class."""
    corners = torch.full((number, 2), 5.0)
    sides = torch.arange(1.0, number + 1)[:, None] * torch.tensor([10.0, 5.0]) / number
    boxes = torch.cat([corners, corners + 2 * sides], dim=1)
    labels = torch.ones(number, dtype=torch.int64)
    return InstanceData(labels=labels, bboxes=boxes, **fields)


@pytest.fixture
def texts(monkeypatch):
    """What is written into pictures."""
    written = []
    draw = DetLocalVisualizer.draw_texts

    def note(self, text, *args, **others):
        written.append(text)
        return draw(self, text, *args, **others)

    monkeypatch.setattr(DetLocalVisualizer, 'draw_texts', note)
    return written


def changed(picture, x, y):
    """Whether a pixel at a place in the image differs from the image."""
    return (picture[round(y * SIDE / 60), round(x * SIDE / 60)] != 128).any()


def test_boxes_are_where_they_belong():
    picture = draw_objects(GREY, objects(1), CLASSES, with_names=False)
    assert picture.shape == (SIDE / 2, SIDE, 3) and picture.dtype == np.uint8
    # From (5, 5) to (25, 15).
    for x, y in ((5, 10), (25, 10), (15, 5), (15, 15)):
        assert changed(picture, x, y)
    for x, y in ((15, 10), (40, 10), (15, 25)):
        assert not changed(picture, x, y)


@pytest.mark.parametrize('kind', [torch.from_numpy, np.asarray])
def test_masks_are_filled(kind):
    mask = np.zeros((1, 30, 60), bool)
    mask[:, 20:28, 40:55] = True
    found = objects(1, masks=kind(mask))
    picture = draw_objects(GREY, found, CLASSES, with_names=False)
    assert changed(picture, 47, 24) and not changed(picture, 15, 10)


def test_names_and_scores(texts):
    draw_objects(GREY, objects(1, scores=torch.tensor([0.5])), CLASSES)
    draw_objects(GREY, objects(1), CLASSES)
    assert texts == ['dog: 50.0', 'dog']


def test_no_names_where_they_would_hide_the_image(texts):
    draw_objects(GREY, objects(MAX_NAMES + 1), CLASSES)
    draw_objects(GREY, objects(1), CLASSES, with_names=False)
    assert set(texts) == {''}


def test_best_or_largest_are_drawn():
    assert most_important(objects(3), 2).bboxes[:, 2].tolist() == pytest.approx(
        [25, 5 + 40 / 3]
    )
    found = objects(3, scores=torch.tensor([0.2, 0.9, 0.5]))
    assert most_important(found, 2).scores.tolist() == pytest.approx([0.9, 0.5])


def test_only_so_many_masks_are_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        DetLocalVisualizer,
        'draw_binary_masks',
        lambda self, masks, **others: drawn.append(len(masks)),
    )
    number = 3 * MAX_OBJECTS
    found = objects(number, masks=np.ones((number, 30, 60), bool))
    draw_objects(GREY, found, CLASSES)
    assert drawn == [MAX_OBJECTS]


@pytest.mark.parametrize('masks', [{}, dict(masks=torch.zeros(0, 30, 60))])
def test_nothing_found(masks):
    picture = draw_objects(GREY, objects(0, **masks), CLASSES)
    assert (picture == 128).all()


def test_each_of_many_classes_has_a_colour():
    for number in (1, 10, 11, 80):
        colours = class_colours([str(i) for i in range(number)])
        assert len(set(colours)) == number


def test_legend():
    figure = Figure()
    add_legend(figure, CLASSES)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == list(CLASSES)


def test_long_and_odd_names_are_written_on_a_line():
    assert class_label('b\n' * 30) == 'b\\n' * 9 + 'b\\…'
    assert len(class_label('x' * 99)) == plot_instances._MAX_LENGTH


def test_random_numbers_are_as_if_nothing_was_drawn():
    """Training, which may go on after a picture, takes them from there."""
    found = objects(3, masks=np.ones((3, 30, 60), bool))
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    first = draw_objects(GREY, found, CLASSES)
    assert np.random.rand() == expected
    assert (draw_objects(GREY, found, CLASSES) == first).all()
