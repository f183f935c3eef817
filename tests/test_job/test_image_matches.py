import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmreviewkd.job import image_matches as module
from mmreviewkd.job.image_matches import RESAMPLES, ImageMatches

IMAGES, CATEGORIES = [3, 5, 8, 13, 21], [2, 4, 9]


@pytest.fixture(scope='module')
def truth():
    """Three boxes an image of the first two classes, one in five a crowd."""
    draw = np.random.default_rng(1)
    annotations = []
    for image in IMAGES:
        for _ in range(3):
            box = [*draw.uniform(0, 60, 2), *draw.uniform(20, 40, 2)]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image,
                    category_id=int(draw.choice([2, 4])),
                    bbox=box,
                    area=box[2] * box[3],
                    iscrowd=int(draw.uniform() < 0.2),
                )
            )
    return annotations


@pytest.fixture(scope='module')
def found(truth):
    """Each object a little off, and as many detections of anything anywhere."""
    draw = np.random.default_rng(2)
    boxes = [
        (a['image_id'], a['category_id'], np.array(a['bbox']) + draw.normal(0, 3, 4))
        for a in truth
    ]
    boxes += [
        (image, draw.choice(CATEGORIES), [*draw.uniform(0, 60, 2), 30, 30])
        for image in IMAGES
        for _ in range(3)
    ]
    return [
        dict(
            image_id=int(image),
            category_id=int(category),
            bbox=[float(number) for number in box],
            score=float(draw.uniform()),
        )
        for image, category, box in boxes
    ]


@pytest.fixture
def matches(truth, found, tmp_path):
    return matched(coco(truth, IMAGES), found, tmp_path / 'found.json')


def matched(truth, found, path):
    path.write_text(json.dumps(found))
    return ImageMatches(truth, path, 'bbox', IMAGES, CATEGORIES)


def coco(annotations, images):
    truth = COCO()
    truth.dataset = dict(
        images=[dict(id=image, width=100, height=100) for image in images],
        categories=[dict(id=category, name=str(category)) for category in CATEGORIES],
        annotations=annotations,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def evaluated(annotations, found, images):
    """pycocotools' own AP, and that of each class."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco(annotations, images)
        evaluation = COCOeval(truth, truth.loadRes(found), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval['precision'][:, :, :, 0, -1]
    return 100 * evaluation.stats[0], 100 * precision.mean(axis=(0, 1))


def test_ap_is_pycocotools(matches, truth, found):
    ap, by_class = evaluated(truth, found, IMAGES)
    assert 20 < ap < 80
    assert matches.aps(np.ones((1, 5), int)) == pytest.approx(ap)
    # The third class has no objects.
    assert by_class[2] == -100
    assert matches.class_aps() == {
        2: pytest.approx(by_class[0]),
        4: pytest.approx(by_class[1]),
        9: None,
    }


@pytest.mark.parametrize('weights', [(2, 0, 1, 0, 2), (0, 0, 0, 1, 4), (1, 3, 0, 1, 0)])
def test_weighted_images_are_images_that_stand_there_more_than_once(
    matches, truth, found, weights
):
    more_truth, more_found, images = [], [], []
    for image, weight in zip(IMAGES, weights, strict=True):
        for _ in range(weight):
            new = len(images)
            images.append(new)
            for old, more in ((truth, more_truth), (found, more_found)):
                for one in old:
                    if one['image_id'] == image:
                        more.append(one | dict(image_id=new, id=len(more) + 1))
    ap, _ = evaluated(more_truth, more_found, images)
    assert matches.aps(np.array([weights, weights])) == pytest.approx([ap, ap])


def test_many_are_done_in_parts(matches, monkeypatch):
    whole = matches.resampled_aps()
    monkeypatch.setattr(module, '_MOST_AT_ONCE', 3000)
    assert matches.resampled_aps() == pytest.approx(whole)


def test_resampled(matches):
    aps = matches.resampled_aps()
    assert len(aps) == RESAMPLES and aps == matches.resampled_aps()
    (ap,) = matches.aps(np.ones((1, 5), int))
    assert min(aps) < ap < max(aps)
    assert np.mean(aps) == pytest.approx(ap, abs=5)


def test_nothing_is_detected(truth, tmp_path):
    matches = matched(coco(truth, IMAGES), [], tmp_path / 'found.json')
    assert matches.class_aps() == {2: 0.0, 4: 0.0, 9: None}
    assert matches.aps(np.ones((2, 5), int)).tolist() == [0, 0]
