"""Sdist and wheel hold what the command line and configs by name need."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.fileio import load
from mmengine.hub import get_config

import mmreviewkd
from mmreviewkd.datasets import make_digits
from mmreviewkd.files import configs_folder

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sdist')
    source = folder / 'source'
    # Building leaves things in the source. Environments and data can be large.
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns('.*', 'data', 'work_dirs')
    )
    script = 'import sys, setuptools.build_meta as b; b.build_sdist(sys.argv[1])'
    subprocess.run(
        [sys.executable, '-c', script, str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob('*.tar.gz')
    return path


@pytest.fixture(scope='module')
def wheel(sdist, tmp_path_factory):
    """Of the sdist, which so has to hold all that a wheel is made of."""
    folder = tmp_path_factory.mktemp('wheel')
    subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', str(sdist), '--wheel-dir', str(folder)]
        + ['--no-deps', '--no-build-isolation', '--no-index', '--quiet'],
        check=True,
    )
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp('installed')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_sdist_has_no_tests_and_pages(sdist):
    with tarfile.open(sdist) as archive:
        folders = {name.split('/')[1] for name in archive.getnames() if '/' in name}
    assert {'configs', 'mmreviewkd', 'tools'} <= folders
    assert not {'tests', 'docs'} & folders


def test_all_configs_and_modules_are_in_the_wheel(installed):
    for kind, there in (
        (ROOT / 'configs', installed / 'mmreviewkd' / '.mim' / 'configs'),
        (ROOT / 'mmreviewkd', installed / 'mmreviewkd'),
    ):
        files = {
            path.relative_to(kind)
            for path in kind.rglob('*')
            if path.suffix in ('.py', '.html', '.md', '.typed')
        }
        files = {path for path in files if '.mim' not in path.parts}
        assert files
        assert not [path for path in files if not (there / path).is_file()]


def run(installed, folder, *command):
    """Run Python in a folder, with the installed package and nothing of the source."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=dict(PATH='/usr/bin:/bin', PYTHONPATH=str(installed), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_entry_point(installed):
    (entry_points,) = installed.glob('*.dist-info/entry_points.txt')
    commands = entry_points.read_text()
    for name in ('distill', 'compare'):
        assert f'mmreviewkd-{name} = mmreviewkd_commands:{name}' in commands


@pytest.mark.parametrize('name', ['distill', 'compare'])
def test_help_of_a_command_imports_nothing_heavy(installed, tmp_path, name):
    script = (
        'import sys\n'
        'import mmreviewkd_commands\n'
        "sys.argv = ['command', '--help']\n"
        'try:\n'
        f'    mmreviewkd_commands.{name}()\n'
        'finally:\n'
        "    print({'torch', 'mmengine', 'mmreviewkd'} & set(sys.modules))\n"
    )
    done = run(installed, tmp_path, '-c', script)
    assert 'usage' in done.stdout and done.stdout.endswith('set()\n')


def test_configs_of_an_installed_package_are_found_by_name(
    installed, tmp_path, monkeypatch
):
    """In a process that knows nothing of the source."""
    script = (
        'import mmreviewkd\n'
        'from mmengine.hub import get_config\n'
        'from mmreviewkd.files import configs_folder\n'
        "get_config('mmreviewkd::reviewkd_frcnn_r101_r18.py')\n"
        "config = get_config('mmreviewkd::small/reviewkd_mrcnn.py')\n"
        'print(configs_folder())\n'
        'print(config.model.student)\n'
    )
    done = run(installed, tmp_path, '-c', script)
    folder, student = done.stdout.split()
    assert folder == str(installed / 'mmreviewkd/.mim/configs')
    assert student == f'{folder}/small/mrcnn_student.py'


def test_config_that_inherits_by_name_is_trained(installed, tmp_path):
    """MMEngine gives what it inherits a scope of its own."""
    digits = make_digits(tmp_path / 'digits', 8, 4, seed=0)
    (tmp_path / 'mine.py').write_text(
        f"""
_base_ = ['mmreviewkd::small/reviewkd_mrcnn.py', 'mmreviewkd::methods/pkd.py']
model = dict(teacher_checkpoint='random', inherit=(), distillation=_base_.method)
train_cfg = dict(max_epochs=1)
train_dataloader = dict(dataset=dict(data_root='{digits}/'))
val_cfg = val_dataloader = val_evaluator = None
"""
    )
    command = ['-W', 'ignore', f'{installed}/mmreviewkd/.mim/tools/train.py', 'mine.py']
    done = run(installed, tmp_path, *command)
    assert (tmp_path / 'work_dirs/mine/epoch_1.pth').is_file()
    # MMEngine has found the scope, and what is registered.
    assert not re.findall('WARNING.*(?:regist|install).*', done.stderr + done.stdout)


def test_mim_lists_the_published_pairs():
    """mim reads these files, and wants the paths from the folder of the first."""
    (metafile,) = load(ROOT / 'model-index.yml')['Import']
    content = load(ROOT / metafile)
    published = {f'configs/{path.name}' for path in ROOT.glob('configs/reviewkd_*.py')}
    assert {model['Config'] for model in content['Models']} == published
    names = {collection['Name'] for collection in content['Collections']}
    assert {model['In Collection'] for model in content['Models']} <= names


def test_the_version_is_cited_and_in_the_changelog():
    citation = load(ROOT / 'CITATION.cff', file_format='yaml')
    assert citation['version'] == mmreviewkd.__version__
    newest = re.search(
        r'^## (\S+?),?(?: |$)', (ROOT / 'CHANGELOG.md').read_text(), re.M
    )
    assert newest and newest[1] == mmreviewkd.__version__


def test_metafiles_are_in_the_wheel(installed):
    mim = installed / 'mmreviewkd' / '.mim'
    (metafile,) = load(mim / 'model-index.yml')['Import']
    assert (mim / metafile).is_file()


@pytest.mark.parametrize(
    ('present', 'wanted', 'message'),
    [
        ('onedl', 'openmmlab', "has MMDetection of 'onedl', not of openmmlab alone"),
        ('openmmlab onedl', '', "'openmmlab onedl', not of openmmlab alone"),
        ('', 'mmlab', "MMREVIEWKD_STACK is 'mmlab'; it can be openmmlab or onedl"),
    ],
)
def test_no_environment_gets_both_stacks(tmp_path, present, wanted, message):
    python = tmp_path / 'bin' / 'python'
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho {present}\n')
    python.chmod(0o755)
    done = subprocess.run(
        ['bash', str(ROOT / 'tools' / 'in_venv.sh'), 'true'],
        env=dict(
            PATH='/usr/bin:/bin',
            MMREVIEWKD_VENV=str(tmp_path),
            MMREVIEWKD_STACK=wanted,
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert message in done.stderr


def test_configs_beside_the_source_are_found():
    assert configs_folder().resolve() == ROOT / 'configs'


def test_other_packages_are_still_found():
    assert mmreviewkd.__version__
    config = get_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py')
    assert isinstance(config, Config) and config.model.type == 'FasterRCNN'
