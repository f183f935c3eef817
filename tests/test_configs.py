"""Every distillation config builds; the published one has the published numbers."""

import pytest
import toys
from mmengine.config import Config

from mmreviewkd.distillers import resolve_model_config

DISTILLED = sorted(toys.CONFIGS.rglob('reviewkd_*.py'))


@pytest.mark.parametrize('path', DISTILLED, ids=lambda p: p.stem)
def test_builds_without_its_teacher(path):
    model = toys.build(Config.fromfile(path).model)
    assert type(model).__name__.startswith('Distilled')
    teacher = resolve_model_config(model.teacher.config)
    channels = [teacher.neck.out_channels] * teacher.neck.num_outs
    assert model.connector.out_channels == channels


def test_published_recipe_of_faster_rcnn_r101_r18():
    cfg = Config.fromfile(toys.CONFIGS / 'reviewkd_frcnn_r101_r18.py')
    model = toys.build(cfg.model)
    assert model.backbone.depth == 18
    assert model.distill_loss.loss_weight == 1.2
    assert model.connector.in_channels == [256] * 5
    assert 'r101' in model.teacher.checkpoint
    assert cfg.optim_wrapper.optimizer.lr == 0.01
    assert cfg.auto_scale_lr.base_batch_size == 8
    sides = {scale[1] for scale in cfg.train_dataloader.dataset.pipeline[2].scales}
    assert (min(sides), max(sides)) == (640, 800)
    trainable = {n for n, p in model.backbone.named_parameters() if p.requires_grad}
    # Stem and first stage frozen, and every norm layer.
    assert all(name.startswith(('layer2', 'layer3', 'layer4')) for name in trainable)
    assert not any('bn' in name or 'downsample.1' in name for name in trainable)
