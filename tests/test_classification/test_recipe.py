import pytest
from mmengine.config import Config

from mmreviewkd.classification.recipe import milestones, strength

STEP = dict(type='MultiStepLR', milestones=[3, 5])


@pytest.mark.parametrize(
    'scheduler, expected',
    [
        ([], ([], 1.0)),
        ([STEP], ([30, 50], 0.1)),
        (STEP, ([30, 50], 0.1)),
        ([dict(STEP, by_epoch=False, gamma=0.5)], ([3, 5], 0.5)),
    ],
)
def test_milestones_are_in_steps(scheduler, expected):
    assert milestones(Config(dict(param_scheduler=scheduler)), 10) == expected


@pytest.mark.parametrize('by_epoch, expected', [(True, 0.25), (False, 1.0)])
def test_strength_is_that_of_the_hook(by_epoch, expected):
    hook = dict(type='DistillScheduleHook', warmup=2, by_epoch=by_epoch, priority='LOW')
    cfg = Config(dict(custom_hooks=[hook]))
    assert strength(cfg, 10)(0) == 0
    assert strength(cfg, 10)(5) == expected
    # Without it.
    assert strength(Config(dict()), 10)(0) == 1
