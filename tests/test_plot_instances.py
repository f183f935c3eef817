import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmengine.structures import InstanceData

from mmreviewkd import plot_instances
from mmreviewkd.compat.expected_messages import hide_package_warnings
from mmreviewkd.plot_instances import (
    MAX_CLASSES,
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


def test_boxes_at_the_edge_are_drawn_without_a_warning(recwarn):
    hide_package_warnings()
    found = InstanceData(
        labels=torch.tensor([0, 1]),
        bboxes=torch.tensor([[30.0, 10.0, 60.0, 30.0], [-5.0, -5.0, 20.0, 12.0]]),
        scores=torch.tensor([0.9, 0.8]),
    )
    picture = draw_objects(GREY, found, CLASSES)
    assert changed(picture, 30, 20) and changed(picture, 10, 12)
    assert [str(one.message) for one in recwarn] == []


def test_boxes_at_the_edge_leave_the_picture_its_size():
    """Of 427 pixels 400.3 are left: 400, and a box that ends there ends with it."""
    found = InstanceData(
        labels=torch.tensor([0]), bboxes=torch.tensor([[100.0, 100.0, 300.0, 427.0]])
    )
    grey = np.full((427, 640, 3), 128, np.uint8)
    picture = draw_objects(grey, found, CLASSES, with_names=False)
    assert picture.shape == (400, 600, 3)
    # Else the visualizer makes room, in white.
    assert (picture[-1, :50] == 128).all() and (picture[:50, -1] == 128).all()


def test_boxes_are_where_they_belong():
    picture = draw_objects(GREY, objects(1), CLASSES, with_names=False)
    assert picture.shape == (SIDE / 2, SIDE, 3) and picture.dtype == np.uint8
    # From (5, 5) to (25, 15).
    for x, y in ((5, 10), (25, 10), (15, 5), (15, 15)):
        assert changed(picture, x, y)
    for x, y in ((15, 10), (40, 10), (15, 25)):
        assert not changed(picture, x, y)


def test_boxes_beyond_the_image():
    """They neither shrink the image nor add a margin."""
    boxes = torch.tensor([[40.0, 20.0, 90.0, 60.0], [70.0, 5.0, 80.0, 10.0]])
    found = InstanceData(labels=torch.tensor([0, 1]), bboxes=boxes)
    picture = draw_objects(GREY, found, CLASSES, with_names=False)
    assert changed(picture, 40, 25) and changed(picture, 50, 20)
    # The corners and the right edge.
    assert (picture[[0, 0, -1], [0, -1, 0]] == 128).all()
    assert not changed(picture, 59, 7)
    draw_objects(GREY, found[1:], CLASSES)


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
    assert not texts


def test_best_or_largest_are_drawn():
    assert most_important(objects(3), 2).bboxes[:, 2].tolist() == pytest.approx(
        [25, 5 + 40 / 3]
    )
    found = objects(3, scores=torch.tensor([0.2, 0.9, 0.5]))
    assert most_important(found, 2).scores.tolist() == pytest.approx([0.9, 0.5])


def test_only_so_many_masks_are_drawn(monkeypatch):
    drawn = []
    lay = plot_instances._lay_masks

    def note(picture, masks, colours):
        drawn.append(len(masks))
        return lay(picture, masks, colours)

    monkeypatch.setattr(plot_instances, '_lay_masks', note)
    number = 3 * MAX_OBJECTS
    found = objects(number, masks=np.ones((number, 30, 60), bool))
    draw_objects(GREY, found, CLASSES)
    assert drawn == [MAX_OBJECTS]


def test_masks_are_one_layer_with_the_best_on_top(monkeypatch):
    """The visualizer would draw the picture again for each."""
    monkeypatch.setattr(DetLocalVisualizer, 'draw_binary_masks', None)
    masks = np.zeros((2, 30, 60), bool)
    masks[:, 10:20, 40:50] = True
    found = InstanceData(
        labels=torch.tensor([0, 1]),
        bboxes=torch.tensor([[1.0, 1.0, 4.0, 4.0]] * 2),
        scores=torch.tensor([0.4, 0.8]),
        masks=masks,
    )
    picture = draw_objects(GREY, found, CLASSES, with_names=False)
    # Half of grey, half of the colour of the second class.
    expected = [64 + 255 * part / 2 for part in class_colours(CLASSES)[1]]
    assert picture[150, 450].tolist() == pytest.approx(expected, abs=2)


def test_own_size():
    assert draw_objects(GREY, objects(1), CLASSES, side=None).shape == GREY.shape


@pytest.mark.parametrize('masks', [{}, dict(masks=torch.zeros(0, 30, 60))])
def test_nothing_found(masks):
    picture = draw_objects(GREY, objects(0, **masks), CLASSES)
    assert (picture == 128).all()


def test_each_of_many_classes_has_a_colour():
    for number in (1, 10, 11, 80):
        colours = class_colours([str(i) for i in range(number)])
        assert len(set(colours)) == number
    # COCO's elephant and cup.
    elephant, cup = (np.array(class_colours(CLASSES * 40)[n]) for n in (20, 41))
    assert np.abs(elephant - cup).max() > 0.3


def names_in_legend(classes, labels, width=8):
    figure = Figure(figsize=(width, 4))
    found = InstanceData(labels=torch.tensor(labels))
    add_legend(figure, classes, [found])
    (legend,) = figure.legends
    return [text.get_text() for text in legend.texts], legend


def test_legend():
    assert names_in_legend(CLASSES, [0])[0] == list(CLASSES)


def test_legend_of_many_classes_names_what_is_drawn():
    classes = [f'class {i}' for i in range(80)]
    names, legend = names_in_legend(classes, [70, 3, 3])
    assert names == ['class 3', 'class 70']
    names, legend = names_in_legend(classes, list(range(80)) + [5])
    assert len(names) == MAX_CLASSES + 1 and 'class 5' in names
    assert names[-1] == f'and {80 - MAX_CLASSES} more'
    # It fits the figure.
    assert 1 < legend._ncols < 8
    assert names_in_legend(['x' * 30] * 11, [0, 1], width=3)[1]._ncols == 1


def test_legend_of_nothing():
    figure = Figure()
    empty = InstanceData(labels=torch.zeros(0, dtype=torch.int64))
    add_legend(figure, [str(i) for i in range(80)], [empty])
    assert not figure.legends


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
