"""On two images with a cat each, of which the data set has the first alone."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import toys
from coco_sets import write_coco
from evaluations import FOUND, TRUTH, Images, runner_of
from mmdet.evaluation import CocoMetric
from runs import coco_run

from mmreviewkd.hooks import EvaluatedImagesHook

TEST_TOOL = Path(__file__).resolve().parents[2] / 'tools/test.py'


def test_images_that_are_left_out_cost_no_recall(tmp_path):
    root = write_coco(tmp_path, labels=(0,))
    for when in ('before_val_epoch', 'before_test_epoch'):
        for images, ap in (((0, 1), 0.505), ((0,), 1.0)):
            metric = CocoMetric(str(root / 'annotations/instances_val.json'))
            metric.dataset_meta = dict(classes=('cat', 'dog'))
            getattr(EvaluatedImagesHook(), when)(runner_of([metric], Images(images)))
            assert metric.compute_metrics([(TRUTH, FOUND)])['bbox_mAP'] == ap


def test_other_metrics_and_data_sets():
    other, metric = SimpleNamespace(), SimpleNamespace(img_ids=None)
    EvaluatedImagesHook().before_val_epoch(runner_of([other], Images([0])))
    EvaluatedImagesHook().before_val_epoch(runner_of([metric], [0]))
    assert metric.img_ids is None and not vars(other)


def test_command(tmp_path, monkeypatch):
    """A saved config of a job with --max-images has the field `indices`."""
    monkeypatch.chdir(tmp_path)
    data = write_coco(tmp_path / 'data', names=('a', 'b', 'c'))
    cfg = coco_run('frcnn_student.py', data, ('a', 'b', 'c'))
    cfg.model = toys.detector()
    cfg.test_dataloader.dataset.indices = 1
    cfg.dump('config.py')
    toys.save_teacher(toys.detector(), tmp_path / 'model.pth')
    evaluated = []
    compute = CocoMetric.compute_metrics

    def note(self, results):
        evaluated.append(self.img_ids)
        return compute(self, results)

    monkeypatch.setattr(CocoMetric, 'compute_metrics', note)
    monkeypatch.setattr('sys.argv', ['test.py', 'config.py', 'model.pth'])
    runpy.run_path(str(TEST_TOOL), run_name='__main__')
    assert evaluated == [[0]]
