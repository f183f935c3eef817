from unittest import mock

import pytest
import toys
from mmengine.dataset import sampler
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmreviewkd.hooks import DistillScheduleHook


@pytest.mark.parametrize(
    'args, expected',
    [
        (dict(), {0: 1, 1000: 1}),
        (dict(warmup=4), {0: 0, 1: 0.25, 4: 1, 9: 1}),
        (dict(end=3), {0: 1, 2.9: 1, 3: 0, 4: 0}),
        (dict(fade=2, end=4), {2: 1, 2.5: 0.75, 3: 0.5, 4: 0}),
        (dict(fade=0, end=2), {0: 1, 1: 0.5}),
        (dict(warmup=2, fade=2, end=3), {1: 0.5, 2: 1, 2.5: 0.5}),
    ],
)
def test_strength(args, expected):
    hook = DistillScheduleHook(**args)
    assert {time: hook.strength(time) for time in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    'args', [dict(fade=1), dict(fade=2, end=1), dict(warmup=2, end=1), dict(warmup=-1)]
)
def test_impossible_times(args):
    with pytest.raises(ValueError, match='0 <= warmup <= fade <= end'):
        DistillScheduleHook(**args)


class Watch(Hook):
    priority = 'LOWEST'

    def __init__(self):
        self.strengths = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.strengths.append(runner.model.distill_strength)


def train(config, folder, loader=None, loop=None, resume=None, **hook):
    loader = dict(sampler=dict(type='DefaultSampler')) | (loader or {})
    runner = Runner(
        model=toys.build(config),
        work_dir=str(folder),
        train_dataloader=dict(dict(batch_size=2, dataset=toys.Images(4)), **loader),
        train_cfg=loop or dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.001)),
        custom_hooks=[dict(type='DistillScheduleHook', **hook)],
        default_scope='mmdet',
        experiment_name=f'{folder.name}-{resume}',
        load_from=resume,
        resume=resume is not None,
    )
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return watch.strengths, runner.message_hub.get_scalar('train/loss_distill').data[0]


@pytest.fixture
def config(tmp_path):
    return toys.distilled(toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth'))


def test_training(config, tmp_path):
    strengths, losses = train(config, tmp_path / 'epochs', fade=0, end=1)
    assert strengths == [1.0, 0.5, 0.0, 0.0]
    assert losses[1] > 0 and list(losses[2:]) == [0, 0]
    strengths, _ = train(config, tmp_path / 'iters', warmup=2, end=3, by_epoch=False)
    assert strengths == [0.0, 0.5, 1.0, 0.0]


@pytest.mark.parametrize('processes, expected', [(1, [0, 0.25]), (2, [0, 0.5])])
def test_epochs_of_several_processes_that_share_an_endless_sampler(
    config, tmp_path, processes, expected
):
    """It counts the images of all processes: two steps an epoch, or one of each."""
    with mock.patch.object(sampler, 'get_dist_info', return_value=(0, processes)):
        strengths, _ = train(
            config,
            tmp_path / 'run',
            loader=dict(sampler=dict(type='InfiniteSampler')),
            loop=dict(by_epoch=False, max_iters=2),
            warmup=2,
        )
    assert strengths == expected


def test_epochs_of_another_number_of_steps(config, tmp_path):
    folder = tmp_path / 'run'
    train(config, folder, warmup=4)
    strengths, _ = train(
        config,
        folder,
        loader=dict(batch_size=1),
        loop=dict(by_epoch=True, max_epochs=3),
        resume=str(folder / 'epoch_2.pth'),
        warmup=4,
    )
    assert strengths == pytest.approx([2 / 4, 2.25 / 4, 2.5 / 4, 2.75 / 4])


def test_plain_model_is_refused(tmp_path):
    with pytest.raises(TypeError, match='needs a DistilledModel, got FasterRCNN'):
        train(toys.detector(), tmp_path / 'plain')
