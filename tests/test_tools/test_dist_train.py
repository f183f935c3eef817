"""Several processes on the CPU, through the launch scripts.

Most of the processes are forked: starting Python and importing everything would take
many times as long as what is tested.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import forked
import numpy as np
import pytest
import torch
import toys
from mmengine.config import Config
from runs import last_metrics, metrics_in_stock_mmdetection, tiny_demo

from mmreviewkd.datasets import make_digits
from mmreviewkd.distillers import publish_student
from mmreviewkd.hooks import PreemptionHook

ROOT = Path(__file__).resolve().parents[2]
STEPS = 3


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Images that differ, with the same boxes: so every batch has as many positives."""
    root = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    coco = dict(categories=[dict(id=1, name='thing')], images=[], annotations=[])
    for i in range(4 * STEPS):
        cv2.imwrite(str(root / f'{i}.png'), rng.integers(0, 256, (64, 64, 3), np.uint8))
        coco['images'].append(dict(id=i, file_name=f'{i}.png', width=64, height=64))
        coco['annotations'].append(
            dict(
                id=i + 1, image_id=i, category_id=1, bbox=[8, 8, 32, 30], area=960,
                iscrowd=0,
            )
        )  # fmt: skip
    (root / 'train.json').write_text(json.dumps(coco))
    return root


def write_config(path, data, teacher, batch_size):
    detector = dict(
        _base_='mmdet::retinanet/retinanet_r18_fpn_1x_coco.py',
        # No statistics of the batch.
        backbone=dict(
            base_channels=4, stem_channels=4, norm_eval=True, frozen_stages=-1,
            init_cfg=None,
        ),
        neck=dict(in_channels=[4, 8, 16, 32], out_channels=8),
        bbox_head=dict(in_channels=8, feat_channels=8, num_classes=1),
    )  # fmt: skip
    cfg = Config(
        dict(
            default_scope='mmdet',
            custom_imports=dict(imports=['mmreviewkd']),
            model=dict(
                type='DistilledDetector',
                student=detector,
                teacher=detector,
                teacher_checkpoint=teacher,
                distillation=dict(
                    type='FeatureDistillation',
                    connector=dict(
                        type='ReviewConnector',
                        mid_channels=8,
                        norm_cfg=dict(type='GN', num_groups=2),
                    ),
                    loss=dict(type='HCLLoss'),
                ),
            ),
            train_dataloader=dict(
                batch_size=batch_size,
                num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(
                    type='CocoDataset',
                    data_root=str(data),
                    ann_file='train.json',
                    data_prefix=dict(img=''),
                    metainfo=dict(classes=('thing',)),
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        dict(type='LoadAnnotations', with_bbox=True),
                        dict(type='PackDetInputs'),
                    ],
                ),
            ),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
            optim_wrapper=dict(
                optimizer=dict(type='SGD', lr=0.01), clip_grad=dict(max_norm=1.0)
            ),
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
            randomness=dict(seed=0),
        )
    )
    cfg.dump(path)


def run(command, path=(), **environment):
    """Run a launch script, which must find the package by itself."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    python = str(Path(sys.executable).parent)
    inherited = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    env = dict(
        inherited, PORT=str(port), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='',
        PATH=os.pathsep.join([*map(str, path), python, os.environ['PATH']]),
    ) | environment  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def called(folder, command, **environment):
    """Run a launch script with a Python that only notes how it is called.

    Returns the arguments and the environment of each process, by Slurm's number.
    """
    bin_ = fake_slurm(folder)
    note = (
        f'#!{sys.executable} -IS\n'
        'import json, os, sys\n'
        f"with open(f'{folder}/call_{{os.getpid()}}.json', 'w') as file:\n"
        '    json.dump([sys.argv[1:], dict(os.environ)], file)\n'
    )
    (bin_ / 'python').write_text(note)
    (bin_ / 'python').chmod(0o755)
    run(command, path=[bin_], **environment)
    calls = [json.loads(path.read_text()) for path in folder.glob('call_*.json')]
    for _, env in calls:
        assert env['PYTHONPATH'] == str(ROOT)
    return sorted(calls, key=lambda call: call[1].get('SLURM_PROCID'))


def run_slurm(folder, command):
    """Run what a launch script for Slurm would run, in two forked processes."""
    size = dict(GPUS='2', GPUS_PER_NODE='2')
    calls = called(folder, [ROOT / 'tools' / command[0], *command[1:]], **size)
    assert [env['SLURM_PROCID'] for _, env in calls] == ['0', '1']
    consoles = [folder / f'rank_{rank}.txt' for rank in range(2)]
    children = []
    for (arguments, env), console in zip(calls, consoles, strict=True):
        unbuffered, *script = arguments
        assert unbuffered == '-u'
        slurm = {k: env[k] for k in env if k.startswith('SLURM_')}
        children.append(
            forked.start(
                lambda script=script: forked.script(*script),
                console,
                MASTER_PORT=env['PORT'],
                PATH=env['PATH'],
                **slurm,
            )
        )
    return forked.joined(children, consoles)


def run_dist(folder, command):
    """Run what a launch script would have torchrun run, in two forked processes."""
    ((arguments, env),) = called(folder, [ROOT / 'tools' / command[0], *command[1:]])
    flags, script = arguments[:7], arguments[7:]
    assert flags == [
        *('-m', 'torch.distributed.run', '--nnodes=1', '--node_rank=0'),
        *('--master_addr=127.0.0.1', f'--master_port={env["PORT"]}'),
        '--nproc_per_node=2',
    ]
    return forked.together(lambda: forked.script(*script), folder)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp('teacher')
    write_config(folder / 'config.py', folder, None, 1)
    config = Config.fromfile(folder / 'config.py').model.teacher
    return toys.save_teacher(toys.resolve_model_config(config), folder / 'teacher.pth')


@pytest.fixture(scope='module')
def one_process(tmp_path_factory, data, teacher):
    """Weights after a run of one process."""
    folder = tmp_path_factory.mktemp('one')
    write_config(folder / 'config.py', data, teacher, 4)

    def train():
        forked.script('train.py', folder / 'config.py', '--work-dir', folder)

    forked.joined(
        [forked.start(train, folder / 'console.txt')], [folder / 'console.txt']
    )
    return weights(folder)


def weights(folder):
    return torch.load(folder / 'epoch_1.pth', weights_only=False)['state_dict']


def assert_same_training(weights, expected):
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('launcher', ['dist', 'slurm'])
def test_two_processes_train_as_one(tmp_path, data, teacher, one_process, launcher):
    config, out = tmp_path / 'config.py', tmp_path / 'out'
    write_config(config, data, teacher, 2)
    if launcher == 'dist':
        # The one test in which torchrun itself starts the processes.
        said = run([ROOT / 'tools/dist_train.sh', config, 2, '--work-dir', out])
    else:
        said = run_slurm(tmp_path, ['slurm_train.sh', 'partition', 'name', config, out])
    assert said.count('no GPU: 2 processes on the CPU, over gloo') == 1
    trained = weights(out)
    assert_same_training(trained, one_process)
    start = torch.load(teacher)['state_dict']
    assert trained['bbox_head.retina_cls.weight'].shape == (
        start['bbox_head.retina_cls.weight'].shape
    )


@pytest.mark.parametrize('script', ['train', 'test'])
def test_scripts_end_what_works_for_the_processes(tmp_path, script):
    """Else gloo's threads abort one of them now and then as it ends."""
    config = tmp_path / 'distil.py'
    cfg = tiny_demo(make_digits(tmp_path / 'digits', 4, 2, seed=0), tmp_path)
    cfg.dump(config)
    arguments = [] if script == 'train' else [cfg.model.teacher_checkpoint]

    def work():
        forked.script(
            *(f'{script}.py', config, *arguments),
            *('--launcher', 'pytorch', '--work-dir', tmp_path / 'run'),
        )
        tasks = Path('/proc/self/task').glob('*/comm')
        print('threads:', *[task.read_text().strip() for task in tasks])

    out = forked.together(work, tmp_path, size=1)
    assert 'no GPU: 1 process on the CPU' in out
    threads = out.split('threads:')[1]
    assert threads.strip()
    assert 'gloo' not in threads


def test_a_signal_to_one_process_ends_all(tmp_path, data, teacher):
    write_config(tmp_path / 'config.py', data, teacher, 2)
    after = PreemptionHook.after_train_iter

    def after_train_iter(self, runner, *args, **kwargs):
        rank = os.environ['RANK']
        if rank == '1' and runner.iter == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        try:
            after(self, runner, *args, **kwargs)
        except SystemExit as end:
            (tmp_path / f'code_{rank}').write_text(str(end.code))
            raise SystemExit(0) from end

    def work():
        PreemptionHook.after_train_iter = after_train_iter
        forked.script(
            *('train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'out'),
            *('--launcher', 'pytorch', '--cfg-options'),
            'default_hooks.preemption.type=PreemptionHook',
        )

    forked.together(work, tmp_path)
    # In the step after the one in which it came.
    assert (tmp_path / 'out/iter_2.pth').is_file()
    assert not (tmp_path / 'out/epoch_1.pth').is_file()
    codes = [(tmp_path / f'code_{rank}').read_text() for rank in range(2)]
    assert codes == ['143', '143']


def test_demo_with_two_processes(tmp_path):
    """And its checkpoint in stock MMDetection, in one process."""
    data = make_digits(tmp_path / 'digits', 16, 6, seed=0)
    config = tmp_path / 'distil.py'
    tiny_demo(data, tmp_path).dump(config)

    def launch(run, script, *arguments):
        folder = tmp_path / script
        folder.mkdir()
        run(folder, [script, *arguments])

    launch(run_dist, 'dist_train.sh', config, 2, '--work-dir', tmp_path / 'run')
    checkpoint = tmp_path / 'run/epoch_1.pth'
    # 16 images in two processes, 4 at a time in each.
    assert torch.load(checkpoint, weights_only=False)['meta']['iter'] == 2
    tested = [config, checkpoint, 2, '--work-dir', tmp_path / 'tested']
    launch(run_dist, 'dist_test.sh', *tested)
    tested = ['partition', 'name', config, checkpoint, '--work-dir', tmp_path / 'slurm']
    launch(run_slurm, 'slurm_test.sh', *tested)
    publish_student(Config.fromfile(config), str(checkpoint), tmp_path / 'out')
    published = Config.fromfile(tmp_path / 'out/student.py')
    # The published config has no paths of this machine.
    published.test_dataloader.dataset.data_root = f'{data}/'
    published.test_evaluator.ann_file = f'{data}/annotations/instances_val.json'
    stock = metrics_in_stock_mmdetection(
        published,
        tmp_path / 'out/student.pth',
        tmp_path / 'stock',
    )
    assert 'coco/segm_mAP' in stock
    assert stock == last_metrics(tmp_path / 'tested')
    assert stock == last_metrics(tmp_path / 'slurm')


def fake_slurm(folder):
    """An srun that starts the processes here, with Slurm's variables."""
    bin_ = folder / 'bin'
    bin_.mkdir()
    (bin_ / 'scontrol').write_text('#!/bin/sh\necho 127.0.0.1\n')
    (bin_ / 'srun').write_text(
        '#!/usr/bin/env bash\n'
        'for flag in "$@"; do\n'
        '    [[ $flag == --ntasks=* ]] && ntasks=${flag#*=}\n'
        '    [[ $flag == -* ]] || break\n'
        '    shift\n'
        'done\n'
        'export SLURM_NTASKS=$ntasks SLURM_NODELIST=here\n'
        'for ((i = 0; i < ntasks; i++)); do\n'
        '    SLURM_PROCID=$i SLURM_LOCALID=$i "$@" &\n'
        '    pids+=($!)\n'
        'done\n'
        'for pid in "${pids[@]}"; do wait "$pid" || exit 1; done\n'
    )
    for file in bin_.iterdir():
        file.chmod(0o755)
    return bin_
