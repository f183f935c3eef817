import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch.nn import SyncBatchNorm

from mmreviewkd.job import JobError, Training, fit_device
from mmreviewkd.job.fit_device import (
    batch_and_rate,
    keeps_rate,
    mend_base_batch,
    set_device,
    set_patience,
)


@pytest.fixture
def cfg():
    loader = dict(batch_size=2, num_workers=2, persistent_workers=True)
    return Config(
        dict(
            model=dict(backbone=dict(norm_cfg=dict(type='SyncBN'))),
            optim_wrapper=dict(type='OptimWrapper'),
            auto_scale_lr=dict(enable=False, base_batch_size=16),
            train_dataloader=loader,
            val_dataloader=loader,
            test_dataloader=loader,
            train_cfg=dict(val_interval=2),
        )
    )


@pytest.mark.parametrize(
    'on_gpu, amp, kind',
    [
        (True, None, 'AmpOptimWrapper'),
        (True, True, 'AmpOptimWrapper'),
        (True, False, 'OptimWrapper'),
        (False, None, 'OptimWrapper'),
        (False, False, 'OptimWrapper'),
    ],
)
def test_precision(cfg, on_gpu, amp, kind):
    set_device(cfg, Training(amp=amp), on_gpu)
    assert cfg.optim_wrapper.type == kind
    # And the other way round.
    cfg.optim_wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic')
    set_device(cfg, Training(amp=amp), on_gpu)
    assert cfg.optim_wrapper.type == kind
    assert ('loss_scale' in cfg.optim_wrapper) == (kind == 'AmpOptimWrapper')


@pytest.mark.parametrize('kind', [OptimWrapper, 'mmengine.OptimWrapper'])
def test_precision_of_a_class(cfg, kind):
    cfg.optim_wrapper.type = kind
    set_device(cfg, Training(amp=True), on_gpu=True)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    cfg.optim_wrapper.type = AmpOptimWrapper
    set_device(cfg, Training(), on_gpu=False)
    assert cfg.optim_wrapper == dict(type='OptimWrapper')


def test_no_mixed_precision_without_a_gpu(cfg):
    with pytest.raises(JobError, match='--amp needs a GPU'):
        set_device(cfg, Training(amp=True), on_gpu=False)


def test_batch_and_learning_rate(cfg):
    set_device(cfg, Training(), on_gpu=False)
    assert cfg.train_dataloader.batch_size == 2
    set_device(cfg, Training(batch=8), on_gpu=False)
    assert cfg.train_dataloader.batch_size == 8
    assert cfg.val_dataloader.batch_size == 2
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)
    cfg.pop('auto_scale_lr')
    set_device(cfg, Training(batch=8), on_gpu=False)
    assert 'auto_scale_lr' not in cfg


@pytest.mark.parametrize(
    'asked, cores, expected',
    [(None, 8, 2), (None, 2, 1), (None, 1, 0), (4, 1, 4), (0, 8, 0)],
)
def test_workers(cfg, monkeypatch, asked, cores, expected):
    monkeypatch.setattr(fit_device, 'cores', lambda: cores)
    cfg.train_dataloader.prefetch_factor = 2
    set_device(cfg, Training(workers=asked), on_gpu=False)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cfg[name].num_workers == expected
        assert cfg[name].persistent_workers == (expected > 0)
    assert ('prefetch_factor' in cfg.train_dataloader) == (expected > 0)


@pytest.mark.parametrize('on_gpu, kind', [(True, 'SyncBN'), (False, 'BN')])
def test_batch_norm(cfg, on_gpu, kind):
    set_device(cfg, Training(), on_gpu)
    assert cfg.model.backbone.norm_cfg.type == kind


@pytest.mark.parametrize('kind', ['mmcv.SyncBN', SyncBatchNorm])
def test_batch_norm_by_another_name(cfg, kind):
    cfg.model.backbone.norm_cfg.type = kind
    set_device(cfg, Training(), on_gpu=False)
    assert cfg.model.backbone.norm_cfg.type == 'BN'


def test_patience(cfg):
    cfg.custom_hooks = [dict(type='EMAHook')]
    set_patience(cfg, 3, 'coco/segm_mAP')
    assert cfg.train_cfg.val_interval == 1
    assert cfg.custom_hooks == [
        dict(type='EMAHook'),
        dict(
            type='EarlyStoppingHook',
            monitor='coco/segm_mAP',
            rule='greater',
            patience=3,
        ),
    ]


@pytest.mark.parametrize(
    'batch, base, rate, keeps',
    [
        (2, None, 0.02, False),  # The batch is as it was.
        (8, None, 0.02, True),
        (8, 16, 0.02, False),  # The rate follows.
        (8, None, 0.08, False),  # The rate is set.
    ],
)
def test_learning_rate_of_another_batch(cfg, batch, base, rate, keeps):
    cfg.optim_wrapper.optimizer = dict(type='SGD', lr=0.02)
    cfg.auto_scale_lr = dict(base_batch_size=base)
    before = batch_and_rate(cfg)
    set_device(cfg, Training(batch=batch), on_gpu=False)
    cfg.optim_wrapper.optimizer.lr = rate
    assert keeps_rate(cfg, *before) == keeps


@pytest.mark.parametrize(
    'kind, rate, base, right',
    [
        ('RTMDet', 0.004, 16, 256),
        ('RTMDet', 0.0005, 16, 16),  # Set for this batch.
        ('RTMDet', 0.004, 128, 128),
        ('FasterRCNN', 0.004, 16, 16),
    ],
)
@pytest.mark.parametrize('distilled', [False, True])
def test_batch_of_rtmdets_learning_rate(cfg, kind, rate, base, right, distilled):
    model = dict(type=kind)
    cfg.model = dict(type='DistilledModel', student=model) if distilled else model
    cfg.optim_wrapper.optimizer = dict(type='AdamW', lr=rate)
    cfg.auto_scale_lr.base_batch_size = base
    assert mend_base_batch(cfg) == (base != right)
    assert cfg.auto_scale_lr.base_batch_size == right


def test_rtmdets_configs_still_have_the_wrong_batch():
    """Once they are right, the mend can go."""
    cfg = get_config('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py')
    assert mend_base_batch(cfg)
