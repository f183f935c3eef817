import runpy
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / 'mmreviewkd'

# Read, not imported: importing the package needs all that is to be installed.
version = runpy.run_path(str(PACKAGE / 'version.py'))['__version__']
supported = runpy.run_path(str(PACKAGE / 'compat' / 'versions.py'))['SUPPORTED']

readme = ROOT / 'README.md'

setup(
    name='mmreviewkd',
    version=version,
    description='Knowledge distillation by knowledge review for MMDetection',
    long_description=readme.read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['mmreviewkd', 'mmreviewkd.*']),
    # Without mmcv: both mmcv and mmcv-lite provide that package, and requiring one
    # would overwrite the other where it is installed. requirements.txt says the same.
    install_requires=[
        *(name + text for name, text in supported.items() if name != 'mmcv'),
        'matplotlib',
        'numpy',
        'packaging',
        'pycocotools',
    ],
    extras_require={
        'lite': ['mmcv-lite' + supported['mmcv']],
        'demo': ['scikit-learn'],
        'tests': ['pytest', 'ruff'],
    },
)
