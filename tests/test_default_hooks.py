"""``default_hooks.NAME=None`` switches off each hook of a shipped config, alone."""

import argparse

import pytest
import torch
import toys
from mmengine.config import Config
from mmengine.runner import Runner

from mmreviewkd.distillers import publish_student
from mmreviewkd.launch import load_config

CONFIG = toys.CONFIGS / 'small/reviewkd_frcnn.py'
NAMES = (
    'exact_resume', 'frozen_teacher', 'preemption', 'visualization',
    'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint',
)  # fmt: skip


def hooks(cfg, folder):
    runner = Runner(
        model=torch.nn.Identity(),
        work_dir=str(folder),
        default_hooks=cfg.default_hooks,
        experiment_name=str(folder),
        default_scope='mmdet',
    )
    return {type(hook).__name__ for hook in runner.hooks}


@pytest.mark.parametrize('name', NAMES)
def test_off_on_the_command_line(tmp_path, name):
    everything = Config.fromfile(CONFIG)
    assert set(everything.default_hooks) == set(NAMES)
    args = argparse.Namespace(
        config=CONFIG,
        cfg_options=[f'default_hooks.{name}=None'],
        work_dir=str(tmp_path),
        launcher='none',
    )
    off = everything.default_hooks[name].type
    assert hooks(everything, tmp_path / 'all') - hooks(
        load_config(args), tmp_path / 'without'
    ) == {off}


@pytest.mark.parametrize('name', NAMES)
def test_off_in_a_published_config(tmp_path, name):
    """Which stock MMDetection has to take."""
    cfg = Config.fromfile(CONFIG)
    cfg.default_hooks[name] = None
    cfg.model = toys.distilled(None)
    state = toys.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'run.pth')
    config, _ = publish_student(cfg, str(tmp_path / 'run.pth'), tmp_path / 'out')
    off = Config.fromfile(CONFIG).default_hooks[name].type
    assert off not in hooks(Config.fromfile(config), tmp_path / 'runner')
