"""Short runs of the shipped configs, and what they leave behind."""

import json
from pathlib import Path

import toys
from mmengine.config import Config
from mmengine.runner import Runner

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# Of the one-command jobs. Few boxes make training, prediction and evaluation short.
JOB_OPTIONS = {
    'train_cfg.max_epochs': 2,
    'train_cfg.val_interval': 1,
    'train_dataloader.batch_size': 4,
    'train_dataloader.dataset.pipeline.2.scale': (64, 64),
    'val_dataloader.dataset.pipeline.1.scale': (64, 64),
} | {
    f'model.{detector}.{key}': value
    for detector in ('teacher', 'student')
    for key, value in {
        'roi_head.bbox_head.fc_out_channels': 16,
        'train_cfg.rpn_proposal.max_per_img': 20,
        'train_cfg.rcnn.sampler.num': 16,
        'test_cfg.rpn.max_per_img': 20,
        'test_cfg.rcnn.max_per_img': 5,
        'test_cfg.rcnn.score_thr': 0.0,
    }.items()
}


def small_run(config: str, data: Path, epochs: int = 1) -> Config:
    """A config of configs/small on a handful of images."""
    cfg = Config.fromfile(toys.CONFIGS / 'small' / config)
    for loader in LOADERS:
        cfg[loader].dataset.data_root = f'{data}/'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.ann_file = f'{data}/annotations/instances_val.json'
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.randomness = dict(seed=0)
    return cfg


def coco_run(config: str, data: Path, classes: tuple, masks: bool = False) -> Config:
    """Such a config on a set of tests/coco_sets.py."""
    cfg = small_run(config, data)
    for loader in LOADERS:
        cfg[loader].dataset.metainfo = dict(classes=classes)
        for transform in cfg[loader].dataset.pipeline:
            if transform.type == 'LoadAnnotations':
                transform.with_mask = masks
    return cfg


def tiny_demo(data: Path, folder: Path, epochs: int = 1) -> Config:
    """The demo's distillation with a tiny Mask R-CNN for both, digits as classes."""
    detector = toys.detector('mrcnn')
    for head in (detector.roi_head.bbox_head, detector.roi_head.mask_head):
        head.num_classes = 10
    # Everything above this score: an untrained detector must have detections to
    # compare.
    detector.test_cfg.rcnn.score_thr = 0.0
    checkpoint = toys.save_teacher(detector, folder / 'teacher.pth')
    cfg = small_run('reviewkd_mrcnn.py', data, epochs)
    cfg.model.update(student=detector, teacher=detector, teacher_checkpoint=checkpoint)
    return cfg


def last_metrics(work_dir: Path) -> dict:
    """The metrics of a test run, from MMEngine's own log."""
    (path,) = work_dir.glob('*/*.json')
    scalars = json.loads(path.read_text().splitlines()[-1])
    return {key: value for key, value in scalars.items() if 'time' not in key}


def metrics_in_stock_mmdetection(
    published: Config, checkpoint: str | Path, work_dir: Path
) -> dict:
    """Test a checkpoint with MMDetection's own class, config and runner."""
    cfg = published.copy()
    assert cfg.model.type == 'MaskRCNN'
    cfg.work_dir = str(work_dir)
    cfg.load_from = str(checkpoint)
    runner = Runner.from_cfg(cfg)
    assert type(runner.model).__name__ == 'MaskRCNN'
    runner.test()
    return last_metrics(work_dir)
