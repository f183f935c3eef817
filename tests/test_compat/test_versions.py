import runpy
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mmreviewkd.compat import versions

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    'torch': '2.14.1+cpu',
    'torchvision': '0.29.1+cu130',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmdet': '3.3.0',
    'setuptools': '80.10.2',
}


@pytest.fixture
def installed(monkeypatch):
    """The distributions that seem to be installed, with their versions."""
    distributions = dict(GOOD)

    def version(name):
        if name not in distributions:
            raise metadata.PackageNotFoundError(name)
        return distributions[name]

    monkeypatch.setattr(metadata, 'version', version)
    return distributions


def test_supported_versions_pass(installed):
    versions.check()


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
    ('name', 'version'),
    [
        ('torch', '2.5.1+cu121'),
        ('torchvision', '0.20.1'),
        ('mmengine', '0.10.6'),
        ('mmengine', '0.11.0'),
        ('mmcv-lite', '2.0.1'),
        ('mmcv-lite', '2.2.0'),
        ('mmdet', '3.2.0'),
        ('mmdet', '3.4.0'),
        ('setuptools', '81.0.0'),
    ],
)
def test_unsupported_version_is_refused(installed, name, version):
    installed[name] = version
    supported = versions.SUPPORTED[name.removesuffix('-lite')]
    with pytest.raises(ImportError) as error:
        versions.check()
    message = str(error.value)
    assert f'{name} {version} is installed' in message
    assert f'pip install "{name}{supported}"' in message


def test_compiled_mmcv_passes(installed):
    del installed['mmcv-lite']
    installed['mmcv'] = '2.1.0'
    versions.check()


def test_unsupported_compiled_mmcv_is_not_to_be_overwritten(installed):
    installed['mmcv'] = '2.2.0'
    with pytest.raises(ImportError, match=r'mmcv 2\.2\.0 .* pip install "mmcv>=2'):
        versions.check()


def test_missing_package_is_named(installed):
    del installed['mmdet']
    with pytest.raises(ImportError, match=r'pip install "mmdet>=3\.3\.0,<3\.4"'):
        versions.check()


def test_lite_is_enough_for_missing_mmcv(installed):
    del installed['mmcv-lite']
    with pytest.raises(ImportError, match=r'pip install "mmcv-lite>=2\.1\.0,<2\.2\.0"'):
        versions.check()


def test_foreign_torchvision_is_refused(installed, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchvision', None)
    with pytest.raises(ImportError, match='does not work with torch 2.14.1'):
        versions.check()


def test_requirements_state_the_same_ranges():
    lines = (ROOT / 'requirements.txt').read_text().splitlines()
    required = [
        Requirement(line) for line in lines if line and not line.startswith('#')
    ]
    ranges = {requirement.name: requirement.specifier for requirement in required}
    supported = {
        name: Requirement(name + text).specifier
        for name, text in versions.SUPPORTED.items()
        if name != 'mmcv'
    }
    assert supported.items() <= ranges.items()
    # Either would overwrite the other's files.
    assert not {'mmcv', 'mmcv-lite'} & ranges.keys()


def test_setup_requires_what_requirements_list(monkeypatch):
    import setuptools

    arguments = {}
    monkeypatch.setattr(setuptools, 'setup', arguments.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    lines = (ROOT / 'requirements.txt').read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith('#')}
    assert set(arguments['install_requires']) == listed
