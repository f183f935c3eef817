import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS

from mmreviewkd.job.schedule import set_epochs

MMDET_1X = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(
        type='MultiStepLR',
        begin=0,
        end=12,
        by_epoch=True,
        milestones=[8, 11],
        gamma=0.1,
    ),
]
RTMDET = [
    dict(type='LinearLR', by_epoch=False, begin=0, end=1000),
    dict(type='CosineAnnealingLR', begin=150, end=300, T_max=150, by_epoch=True),
]
YOLOX = [
    dict(type='QuadraticWarmupLR', by_epoch=True, begin=0, end=5),
    dict(type='CosineAnnealingLR', begin=5, T_max=285, end=285, by_epoch=True),
    dict(type='ConstantLR', by_epoch=True, factor=1, begin=285, end=300),
]


def config(schedulers, epochs, hooks=(), **loop):
    loop = dict(type='EpochBasedTrainLoop', max_epochs=epochs) | loop
    return Config(
        dict(train_cfg=loop, param_scheduler=schedulers, custom_hooks=list(hooks))
    )


def test_nothing_changes_where_nothing_is_asked_for():
    cfg = config(MMDET_1X, 12, val_interval=2)
    set_epochs(cfg, None, steps=7330)
    assert cfg.param_scheduler == MMDET_1X
    assert cfg.train_cfg.max_epochs == 12 and cfg.train_cfg.val_interval == 2


def test_steps_of_the_learning_rate_in_proportion():
    cfg = config(MMDET_1X, 12)
    set_epochs(cfg, 36, steps=1000)
    warm_up, steps = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 500)
    assert steps.milestones == [24, 33] and steps.end == 36


def test_points_within_epochs_are_counted_in_steps():
    cfg = config(MMDET_1X, 12)
    set_epochs(cfg, 3, steps=50)
    steps = cfg.param_scheduler[1]
    # 8/12 and 11/12 of 150 steps.
    assert not steps.by_epoch
    assert (steps.begin, steps.milestones, steps.end) == (0, [100, 138], 150)


@pytest.mark.parametrize(
    'hook, expected',
    [
        (dict(warmup=20), dict(warmup=0.5)),
        (dict(fade=120, end=180), dict(fade=3, end=4.5)),
        (dict(warmup=100, by_epoch=False), dict(warmup=100)),
    ],
)
def test_schedule_of_the_distillation_in_proportion(hook, expected):
    cfg = config(MMDET_1X, 240, [dict(hook, type='DistillScheduleHook')])
    set_epochs(cfg, 6, steps=100)
    assert {key: cfg.custom_hooks[0][key] for key in expected} == expected


def test_warm_up_is_not_longer_than_a_fifth():
    cfg = config(MMDET_1X, 12)
    set_epochs(cfg, 3, steps=50)
    warm_up, steps = cfg.param_scheduler
    assert warm_up.end == 30


def test_what_follows_a_warm_up_begins_at_its_end():
    follows = dict(type='PolyLR', by_epoch=False, begin=500, end=9000)
    cfg = config([MMDET_1X[0], follows], 12)
    set_epochs(cfg, 12, steps=50)
    assert [s.get('begin') for s in cfg.param_scheduler] == [0, 120]


def test_rtmdet():
    pipeline = dict(type='PipelineSwitchHook', switch_epoch=280, switch_pipeline=[])
    intervals = [(280, 1)]
    cfg = config(RTMDET, 300, [pipeline], val_interval=10, dynamic_intervals=intervals)
    set_epochs(cfg, 30, steps=1000)
    assert cfg.custom_hooks[0].switch_epoch == 28
    assert cfg.train_cfg.dynamic_intervals == [(28, 1)]
    cosine = cfg.param_scheduler[1]
    assert (cosine.begin, cosine.end, cosine.T_max) == (15, 30, 15)
    set_epochs(cfg, 4, steps=1000)
    assert cfg.train_cfg.val_interval == 4


def test_yolox_without_what_is_left_of_nothing():
    hook = dict(type='YOLOXModeSwitchHook', num_last_epochs=15)
    cfg = config(YOLOX, 300, [hook])
    set_epochs(cfg, 60, steps=100)
    assert cfg.custom_hooks[0].num_last_epochs == 3
    assert [(s.begin, s.end) for s in cfg.param_scheduler] == [
        (0, 1),
        (1, 57),
        (57, 60),
    ]
    set_epochs(cfg, 2, steps=100)
    assert [s.type for s in cfg.param_scheduler] == ['CosineAnnealingLR']


def test_iterations_become_epochs():
    steps = dict(
        type='MultiStepLR', begin=0, end=9000, by_epoch=False, milestones=[6000, 8000]
    )
    cfg = Config(
        dict(
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=9000, val_interval=500),
            train_dataloader=dict(sampler=dict(type='InfiniteSampler')),
            param_scheduler=[steps],
        )
    )
    set_epochs(cfg, 3, steps=1000)
    assert cfg.train_cfg.type == 'EpochBasedTrainLoop'
    assert cfg.train_cfg.max_epochs == 3
    assert cfg.train_dataloader.sampler.type == 'DefaultSampler'
    (scheduler,) = cfg.param_scheduler
    assert not scheduler.by_epoch
    assert (scheduler.milestones, scheduler.end) == ([2000, 2667], 3000)
    assert cfg.log_processor.by_epoch


def by_steps(kind, end, begin=0, **args):
    return dict(type=kind, by_epoch=False, begin=begin, end=end, **args)


def iterations(schedulers, iters=9000):
    return Config(
        dict(
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=iters),
            train_dataloader=dict(sampler=dict(type='InfiniteSampler')),
            param_scheduler=schedulers,
        )
    )


POLY = by_steps('PolyLR', 1200, power=0.9)
COSINE = by_steps('CosineAnnealingLR', 9000, T_max=9000)
DECAY = by_steps('LinearLR', 9000, start_factor=1.0, end_factor=0.1)


def test_what_counts_steps_is_no_warm_up():
    cfg = config([POLY], 12)
    set_epochs(cfg, 12, steps=100)
    assert cfg.param_scheduler == [POLY]
    # Half as many epochs, or steps of an epoch.
    for epochs, steps in ((6, 100), (12, 50)):
        cfg = config([POLY], 12)
        set_epochs(cfg, epochs, steps)
        assert cfg.param_scheduler[0].end == 600


@pytest.mark.parametrize('scheduler', [COSINE, DECAY])
def test_what_counts_iterations_ends_with_the_training(scheduler):
    cfg = iterations([scheduler])
    set_epochs(cfg, 9, steps=100)
    (fitted,) = cfg.param_scheduler
    assert fitted.end == 900 and fitted.get('T_max', 900) == 900
    # As many as configured, though the last epoch has more steps than are left.
    cfg = iterations([scheduler])
    set_epochs(cfg, None, steps=700)
    assert cfg.train_cfg.max_epochs == 13 and cfg.param_scheduler == [scheduler]


def test_cosine_of_iterations_after_a_warm_up():
    after = by_steps('CosineAnnealingLR', 9000, begin=500, T_max=8500)
    cfg = iterations([MMDET_1X[0], after])
    set_epochs(cfg, 9, steps=100)
    warm_up, cosine = cfg.param_scheduler
    assert warm_up.end == 180
    assert (cosine.begin, cosine.end, cosine.T_max) == (180, 900, 720)


def test_one_scheduler_without_a_list():
    cfg = iterations(dict(type='MultiStepLR', by_epoch=False, milestones=[6000, 8000]))
    set_epochs(cfg, 9, steps=100)
    assert cfg.param_scheduler[0].milestones == [600, 800]


@pytest.mark.parametrize(
    'scheduler, epochs, expected',
    [
        (dict(type='StepLR', step_size=30), 30, dict(step_size=3)),
        (dict(type='StepLR', step_size=30), 5, dict(step_size=50, by_epoch=False)),
        (
            dict(type='MultiStepLR', milestones=[100], convert_to_iter_based=True),
            10,
            dict(milestones=[333], by_epoch=False),
        ),
        (
            dict(
                type='CosineRestartLR',
                periods=[9, 90],
                restart_weights=[1, 1],
                eta_min=0,
            ),
            30,
            dict(periods=[1, 9]),
        ),
    ],
)
def test_what_is_left_of_the_epochs(scheduler, epochs, expected):
    cfg = config([dict(scheduler, by_epoch=True)], 300)
    set_epochs(cfg, epochs, steps=100)
    (fitted,) = cfg.param_scheduler
    assert {key: fitted[key] for key in expected} == expected
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    # MMEngine builds it as a run does.
    kind = PARAM_SCHEDULERS.get(fitted.pop('type'))
    if fitted.pop('convert_to_iter_based', False):
        kind.build_iter_from_epoch(optimizer=optimizer, epoch_length=100, **fitted)
    else:
        kind(optimizer, **fitted)


def test_evaluations_and_averages_begin_in_proportion():
    hooks = [dict(type='EMAHook', begin_epoch=100), dict(type='EMAHook', begin_iter=60)]
    cfg = config([], 300, hooks, val_begin=250)
    set_epochs(cfg, 30, steps=100)
    assert cfg.train_cfg.val_begin == 25
    assert [dict(hook) for hook in cfg.custom_hooks] == [
        dict(type='EMAHook', begin_epoch=10),
        dict(type='EMAHook', begin_iter=6),
    ]
