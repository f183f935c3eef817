import runpy
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mmreviewkd.compat import versions

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    'openmmlab': {
        'torch': '2.14.1+cpu',
        'torchvision': '0.29.1+cu130',
        'mmengine': '0.10.7',
        'mmcv-lite': '2.1.0',
        'mmdet': '3.3.0',
        'setuptools': '80.10.2',
    },
    'onedl': {
        'torch': '2.14.1+cpu',
        'torchvision': '0.29.1+cu130',
        'onedl-mmengine': '0.10.12',
        'onedl-mmcv': '2.3.6',
        'onedl-mmdetection': '3.5.1',
        'setuptools': '84.2.1',
    },
}


@pytest.fixture
def installed(monkeypatch):
    """The distributions that seem to be installed, with their versions."""
    distributions = dict(GOOD['openmmlab'])

    def version(name):
        if name not in distributions:
            raise metadata.PackageNotFoundError(name)
        return distributions[name]

    monkeypatch.setattr(metadata, 'version', version)
    return distributions


@pytest.fixture
def onedl(installed):
    """The same, with the other stack."""
    installed.clear()
    installed.update(GOOD['onedl'])
    return installed


def test_supported_versions_pass(installed):
    versions.check()
    assert versions.find_stack() == 'openmmlab'


def test_supported_versions_of_the_fork_pass(onedl):
    versions.check()
    assert versions.find_stack() == 'onedl'


def test_these_versions_pass():
    versions.check()


@pytest.mark.parametrize(
    ('name', 'version'),
    [
        ('torch', '2.6.0'),
        ('torch', '2.7.0a0+git12ab'),
        ('mmdet', '3.3.1'),
        ('mmengine', '0.10.8'),
    ],
)
def test_other_supported_version_passes(installed, name, version):
    installed[name] = version
    versions.check()


@pytest.mark.parametrize(
    ('stack', 'name', 'version'),
    [
        ('openmmlab', 'torch', '2.5.1+cu121'),
        ('openmmlab', 'torchvision', '0.20.1'),
        ('openmmlab', 'mmengine', '0.10.6'),
        ('openmmlab', 'mmengine', '0.11.0'),
        ('openmmlab', 'mmcv-lite', '2.0.1'),
        ('openmmlab', 'mmcv-lite', '2.2.0'),
        ('openmmlab', 'mmdet', '3.2.0'),
        ('openmmlab', 'mmdet', '3.4.0'),
        ('openmmlab', 'setuptools', '81.0.0'),
        ('onedl', 'torch', '2.5.1+cu121'),
        ('onedl', 'onedl-mmengine', '0.10.10'),
        ('onedl', 'onedl-mmcv', '2.3.5'),
        ('onedl', 'onedl-mmcv', '2.4.0'),
        ('onedl', 'onedl-mmdetection', '3.5.0'),
    ],
)
def test_unsupported_version_is_refused(installed, stack, name, version):
    installed.clear()
    installed.update(GOOD[stack] | {name: version})
    supported = (versions.COMMON | versions.STACKS[stack])[name]
    with pytest.raises(ImportError) as error:
        versions.check()
    message = str(error.value)
    assert f'{name} {version} is installed' in message
    assert f'pip install "{name}{supported}"' in message


def test_compiled_mmcv_passes(installed):
    del installed['mmcv-lite']
    installed['mmcv'] = '2.1.0'
    versions.check()
    assert versions.in_use()['mmcv'] == '2.1.0'


def test_unsupported_compiled_mmcv_is_not_to_be_overwritten(installed):
    installed['mmcv'] = '2.2.0'
    with pytest.raises(ImportError, match=r'mmcv 2\.2\.0 .* pip install "mmcv>=2'):
        versions.check()


@pytest.mark.parametrize(
    ('stack', 'name'),
    [
        (stack, name)
        for stack, ranges in versions.STACKS.items()
        for name in versions.COMMON | ranges
    ],
)
def test_missing_package_is_named(installed, stack, name):
    installed.clear()
    installed.update(GOOD[stack])
    del installed[name]
    supported = (versions.COMMON | versions.STACKS[stack])[name]
    with pytest.raises(ImportError) as error:
        versions.check()
    assert f'run pip install "{name}{supported}".' in str(error.value)


def test_no_stack_at_all(installed):
    """What a wheel without an extra says."""
    for name in GOOD['openmmlab'].keys() - {'torch', 'torchvision', 'setuptools'}:
        del installed[name]
    with pytest.raises(ImportError, match='none of them is installed') as error:
        versions.check()
    for stack in versions.STACKS:
        assert versions.install_command(stack) in str(error.value)


@pytest.mark.parametrize('name', ['onedl-mmengine', 'onedl-mmcv', 'onedl-mmdetection'])
def test_a_mixture_of_stacks_is_refused(installed, name):
    """Even where one is there in part: its files are the other's."""
    installed[name] = GOOD['onedl'][name]
    with pytest.raises(ImportError, match='two stacks') as error:
        versions.check()
    message = str(error.value)
    assert f'onedl: {name} {GOOD["onedl"][name]}' in message
    assert f'pip uninstall --yes mmengine mmcv-lite mmdet {name}, then' in message
    assert versions.install_command('onedl') in message


def test_setuptools_belongs_to_no_stack(onedl):
    onedl['setuptools'] = '80.0.0'
    assert 'setuptools' not in versions.in_use()
    versions.check()


def test_foreign_torchvision_is_refused(installed, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchvision', None)
    with pytest.raises(ImportError, match='does not work with torch 2.14.1'):
        versions.check()


def test_commands_for_compiled_operators_are_of_the_table():
    assert versions.COMPILED.keys() == versions.STACKS.keys()
    lite = versions.STACKS['openmmlab']['mmcv-lite']
    assert f'"mmcv{lite}"' in versions.COMPILED['openmmlab']
    onedl = versions.STACKS['onedl']['onedl-mmcv']
    assert f'"onedl-mmcv{onedl}"' in versions.COMPILED['onedl']


def test_run_as_a_file_it_names_the_stack(capsys):
    runpy.run_path(versions.__file__, run_name='__main__')
    assert capsys.readouterr().out == f'{versions.find_stack()}\n'


@pytest.fixture
def setup_arguments(monkeypatch):
    import setuptools

    arguments = {}
    monkeypatch.setattr(setuptools, 'setup', arguments.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    return arguments


def test_an_extra_for_each_stack(setup_arguments):
    extras = setup_arguments['extras_require']
    for stack, ranges in versions.STACKS.items():
        assert extras[stack] == [name + text for name, text in ranges.items()]
    own = set(extras['openmmlab']) - set(extras['openmmlab-own-mmcv'])
    assert own == {'mmcv-lite' + versions.STACKS['openmmlab']['mmcv-lite']}


def test_without_an_extra_no_stack_is_touched(setup_arguments):
    required = {Requirement(text).name for text in setup_arguments['install_requires']}
    assert versions.COMMON.keys() <= required
    assert not required & {
        name for ranges in versions.STACKS.values() for name in ranges
    }
