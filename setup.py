import os
import runpy
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / 'mmreviewkd'

# Read, not imported: importing the package needs all that is to be installed.
version = runpy.run_path(str(PACKAGE / 'version.py'))['__version__']
versions = runpy.run_path(str(PACKAGE / 'compat' / 'versions.py'))

# What MMEngine and mim look for in an installed package: `mmreviewkd::small/...`.
MIM = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Puts the configs into the package; links to them where it is editable."""

    def run(self):
        super().run()
        editable = getattr(self, 'editable_mode', False)
        mim = (PACKAGE if editable else Path(self.build_lib) / PACKAGE.name) / '.mim'
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir(parents=True)
        for name in MIM:
            if editable:
                (mim / name).symlink_to(os.path.relpath(ROOT / name, mim))
            elif (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns('__pycache__', '*.sh')
                shutil.copytree(ROOT / name, mim / name, ignore=ignore)
            else:
                shutil.copy2(ROOT / name, mim / name)


def requirements(ranges, *left_out):
    return [name + text for name, text in ranges.items() if name not in left_out]


openmmlab, onedl = (versions['STACKS'][name] for name in ('openmmlab', 'onedl'))
readme = ROOT / 'README.md'

setup(
    name='mmreviewkd',
    version=version,
    description='Knowledge distillation by knowledge review for MMDetection',
    long_description=readme.read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    cmdclass=dict(build_py=BuildWithConfigs),
    entry_points=dict(
        console_scripts=[
            'mmreviewkd-distill = mmreviewkd_commands:distill',
            'mmreviewkd-compare = mmreviewkd_commands:compare',
        ]
    ),
    py_modules=['mmreviewkd_commands'],
    packages=find_packages(include=['mmreviewkd', 'mmreviewkd.*']),
    package_data=dict(
        mmreviewkd=['pages/*.html', 'pages/*.md', 'py.typed', 'support/*.yaml']
    ),
    # Neither stack: each overwrites the other's files. An extra chooses one.
    install_requires=[
        *requirements(versions['COMMON']),
        'filelock',
        'jinja2',
        'matplotlib',
        'numpy',
        'packaging',
        'pycocotools',
        'rich',
        # With the argument rng of its bootstrap.
        'scipy>=1.15',
    ],
    extras_require={
        'openmmlab': requirements(openmmlab),
        # For a compiled mmcv, whose files mmcv-lite overwrites.
        'openmmlab-own-mmcv': requirements(openmmlab, 'mmcv-lite'),
        'onedl': requirements(onedl),
        # Reads YOLO, Pascal VOC and LabelMe.
        'data': ['supervision>=0.31'],
        'demo': ['scikit-learn'],
        # For tools/export_onnx.py.
        'onnx': ['onnx', 'onnxruntime', 'onnxscript'],
        'docs': ['furo', 'ghp-import', 'myst-parser', 'sphinx'],
        # Teachers of timm, and weights in its format.
        'timm': ['safetensors', 'timm'],
        # Its newest release needs torch 2.12.
        'torchdistill': ['torchdistill'],
        'tests': [
            'hypothesis',
            'mypy',
            'onnx',
            'onnxruntime',
            'onnxscript',
            'pytest',
            'pytest-xdist',
            'ruff',
            'safetensors',
            'supervision>=0.31',
            'timm',
            'torchdistill',
        ],
    },
)
