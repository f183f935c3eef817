"""The versions of other packages that this one works with."""

from importlib import metadata

# setup.py reads this table, so this file imports nothing but the standard library.
SUPPORTED = {
    'torch': '>=2.6',
    'torchvision': '>=0.21',
    'mmengine': '>=0.10.7,<0.11',
    'mmcv': '>=2.1.0,<2.2.0',
    'mmdet': '>=3.3.0,<3.4',
    # MMEngine finds `mmdet::` configs through pkg_resources, which newer ones drop.
    'setuptools': '<81',
}


def check() -> None:
    """Refuses versions outside :data:`SUPPORTED`.

    The package ``mmcv`` comes from one of two distributions, the compiled ``mmcv``
    or ``mmcv-lite``. Where both are installed, one has written over the other's
    files; as long as both are in the range those files are the same and a compiled
    ``mmcv._ext`` stays usable, so that is no error, but each has to be in the range.

    Raises:
        ImportError: A package is missing, unsupported or cannot be imported.
    """
    for name, supported in SUPPORTED.items():
        found = installed(name)
        if not found:
            wanted = 'mmcv-lite' if name == 'mmcv' else name
            hint = ' (mmcv-lite is enough)' if name == 'mmcv' else ''
            raise ImportError(
                f'mmreviewkd needs {name}{supported}, which is not installed; run '
                f'pip install "{wanted}{supported}"{hint}.'
            )
        for distribution, version in found.items():
            if not _matches(version, supported):
                raise ImportError(
                    f'mmreviewkd supports {name}{supported}, but {distribution} '
                    f'{version} is installed; run '
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


def installed(name: str) -> dict[str, str]:
    """The versions of the distributions that provide the package ``name``."""
    distributions = ('mmcv', 'mmcv-lite') if name == 'mmcv' else (name,)
    versions = {}
    for distribution in distributions:
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            pass
    return versions


def _matches(version: str, supported: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(supported).contains(version, prereleases=True)
