"""The versions of other packages that this one works with.

MMEngine, mmcv and MMDetection come in two stacks: OpenMMLab's own, and OneDL's fork of
it, which is maintained. Both provide the same import packages, so an environment can
have one of them only.
"""

from importlib import metadata

# setup.py reads these tables, so this file imports nothing but the standard library.
COMMON = {
    'torch': '>=2.6',
    'torchvision': '>=0.21',
}
"""What is needed with either stack: distributions, and their versions."""

STACKS = {
    'openmmlab': {
        'mmengine': '>=0.10.7,<0.11',
        'mmcv-lite': '>=2.1.0,<2.2.0',
        'mmdet': '>=3.3.0,<3.4',
        # MMEngine 0.10 imports pkg_resources, which newer ones drop.
        'setuptools': '<81',
    },
    'onedl': {
        'onedl-mmengine': '>=0.10.12,<0.11',
        'onedl-mmcv': '>=2.3.6,<2.4',
        'onedl-mmdetection': '>=3.5.1,<3.6',
    },
}
"""The stacks by name, each with its distributions and their versions."""

COMPILED = {
    'openmmlab': 'pip uninstall --yes mmcv-lite && pip install "mmcv>=2.1.0,<2.2.0"',
    'onedl': (
        'pip install --no-build-isolation --no-deps --no-cache-dir --force-reinstall '
        '"onedl-mmcv>=2.3.6,<2.4"'
    ),
}
"""The commands that replace a stack's mmcv by one with compiled operators."""

# Distributions that can stand for one of a stack.
_ALTERNATIVES = {'mmcv-lite': ('mmcv-lite', 'mmcv')}
# Any environment can have these: they tell nothing of the stack.
_TELL_NOTHING = ('setuptools',)


def check() -> None:
    """Refuses all but one stack, whole, in the versions of :data:`STACKS`.

    In OpenMMLab's stack the package ``mmcv`` comes from one of two distributions, the
    compiled ``mmcv`` or ``mmcv-lite``. Where both are installed, one has written over
    the other's files; as long as both are in the range those files are the same and a
    compiled ``mmcv._ext`` stays usable, so that is no error, but each has to be in the
    range.

    Raises:
        ImportError: A package is missing, unsupported or cannot be imported, or both
            stacks are installed.
    """
    stack = find_stack()
    for name, supported in {**COMMON, **STACKS[stack]}.items():
        found = installed(name)
        if not found:
            hint = ' (or a compiled mmcv)' if name == 'mmcv-lite' else ''
            raise ImportError(
                f'mmreviewkd needs {name}{supported}{hint}, which is not installed; '
                f'run pip install "{name}{supported}".'
            )
        for distribution, version in found.items():
            if not _matches(version, supported):
                raise ImportError(
                    f'mmreviewkd supports {distribution}{supported}, but '
                    f'{distribution} {version} is installed; run '
                    f'pip install "{distribution}{supported}".'
                )
    try:
        import torchvision  # noqa: F401
    except Exception as error:  # a foreign build fails with RuntimeError or OSError
        torch_version = metadata.version('torch')
        raise ImportError(
            f'torchvision {metadata.version("torchvision")} does not work with torch '
            f'{torch_version} ({error}); run pip install --upgrade torch torchvision '
            'to get two that belong together.'
        ) from error


def find_stack() -> str:
    """Find the stack that is installed, whole or in part.

    Returns:
        str: A key of :data:`STACKS`.

    Raises:
        ImportError: If neither is installed, or something of both.
    """
    found = {stack: stack_distributions(stack) for stack in STACKS}
    present = [stack for stack, distributions in found.items() if distributions]
    if not present:
        ways = ' or '.join(install_command(stack) for stack in STACKS)
        raise ImportError(
            'mmreviewkd needs MMEngine, mmcv and MMDetection, and none of them is '
            f'installed; run {ways}.'
        )
    if len(present) > 1:
        listed = '; '.join(
            f'{stack}: ' + ', '.join(f'{name} {version}' for name, version in d.items())
            for stack, d in found.items()
        )
        remove = ' '.join(name for d in found.values() for name in d)
        ways = ' or '.join(install_command(stack) for stack in STACKS)
        raise ImportError(
            'two stacks that overwrite the files of each other are installed '
            f'({listed}); remove both with pip uninstall --yes {remove}, then install '
            f'one with {ways}.'
        )
    return present[0]


def in_use() -> dict[str, str]:
    """The versions of the distributions in use, torch first."""
    versions: dict[str, str] = {}
    for name in (*COMMON, *STACKS[find_stack()]):
        versions |= installed(name)
    return versions


def stack_distributions(stack: str) -> dict[str, str]:
    """The installed distributions of a stack, with their versions."""
    found: dict[str, str] = {}
    for name in STACKS[stack]:
        if name not in _TELL_NOTHING:
            found |= installed(name)
    return found


def install_command(stack: str) -> str:
    """The command that installs a stack."""
    wanted = ' '.join(f'"{name}{text}"' for name, text in STACKS[stack].items())
    return f'pip install {wanted}'


def installed(name: str) -> dict[str, str]:
    """The versions of the distributions that can stand for ``name``, itself first."""
    versions: dict[str, str] = {}
    for distribution in _ALTERNATIVES.get(name, (name,)):
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            pass
    return versions


def _matches(version: str, supported: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(supported).contains(version, prereleases=True)


if __name__ == '__main__':
    # For tools/in_venv.sh, which runs this file before anything is installed.
    print(*(stack for stack in STACKS if stack_distributions(stack)))
