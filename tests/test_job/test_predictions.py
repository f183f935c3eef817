"""On two images with a cat each; the job's own tests have whole runs."""

import json
from types import SimpleNamespace

import pytest
from coco_sets import POLYGON, write_coco
from evaluations import FOUND, TRUTH, Images, runner_of
from mmdet.evaluation import CocoMetric

from mmreviewkd.hooks import EvaluatedImagesHook
from mmreviewkd.job.predictions import SavePredictionsHook, measure_accuracy

NAMES = ('cat', 'dog')


@pytest.fixture
def runner(tmp_path):
    root = write_coco(tmp_path / 'data', names=NAMES, labels=(0,), segmentation=POLYGON)
    metric = CocoMetric(str(root / 'annotations/instances_val.json'), ['bbox'])
    metric.dataset_meta = dict(classes=NAMES)
    metric.cat_ids = metric._coco_api.get_cat_ids(cat_names=NAMES)
    metric.img_ids = metric._coco_api.get_img_ids()
    return runner_of([metric], Images((0, 1)))


def test_predictions_go_to_the_runs_folder(runner, tmp_path):
    SavePredictionsHook(tmp_path).before_val_epoch(runner)
    (metric,) = runner.val_loop.evaluator.metrics
    assert metric.outfile_prefix == str(tmp_path / 'predictions')


def test_fewer_images(runner, tmp_path):
    """Those that are left out are not taken for images without a detection."""
    (metric,) = runner.val_loop.evaluator.metrics
    for images, ap in (((0, 1), 0.505), ((0,), 1.0)):
        metric.img_ids = None
        one = runner_of([metric], Images(images))
        SavePredictionsHook(tmp_path).before_val_epoch(one)
        EvaluatedImagesHook().before_val_epoch(one)
        assert metric.compute_metrics([(TRUTH, FOUND)])['bbox_mAP'] == ap
        assert measure_accuracy(one, tmp_path)['class_ap']['box']['cat'] == (
            pytest.approx(100 * ap, abs=0.05)
        )


def test_classes_and_resampled_images(runner, tmp_path):
    # One cat is found, the other is not.
    found = [dict(image_id=0, category_id=7, bbox=[4, 4, 20, 10], score=0.9)]
    (tmp_path / 'predictions.bbox.json').write_text(json.dumps(found))
    measured = measure_accuracy(runner, tmp_path)
    # The precision is 1 up to a recall of 0.5: 51 of 101 recalls.
    assert measured == dict(class_ap=dict(box=dict(cat=50.495, dog=None)))
    resampled = json.loads((tmp_path / 'resampled_ap.json').read_text())
    assert resampled['images'] == 2
    # Both images, twice the one, or twice the other.
    assert set(resampled['box']) == {50.495, 100.0, 0.0}
    assert 'mask' not in resampled


def test_other_evaluators(tmp_path):
    runner = runner_of([SimpleNamespace(outfile_prefix=None)], Images((0, 1)))
    SavePredictionsHook(tmp_path).before_val_epoch(runner)
    assert runner.val_loop.evaluator.metrics[0].outfile_prefix is None
    assert measure_accuracy(runner, tmp_path) == {}
    assert not list(tmp_path.iterdir())
