"""What makes MMEngine, mmcv and MMDetection work on current PyTorch.

Nothing here knows about distillation.
"""


def enable() -> None:
    """Checks versions, then puts in place what the modules here have.

    May be called again without effect.

    Raises:
        ImportError: A needed package is missing or has an unsupported version.
    """
    # These import MMEngine, so only after the check of versions.
    from . import versions

    versions.check()

    from . import checkpoint, configs, expected_messages, metrics_log, ops, registry

    ops.install()
    checkpoint.install()
    configs.install()
    expected_messages.install()
    metrics_log.install()
    registry.install()
