"""One writer for the metrics of a test in several processes.

MMEngine's LoggerHook has every process write them to the same file, each with its own
times: one that comes a moment later can leave a file that is no JSON.
"""

from mmengine.dist import master_only
from mmengine.hooks import LoggerHook


def install() -> None:
    """Let the first process alone write them."""
    original = LoggerHook.after_test_epoch
    if not hasattr(original, '__wrapped__'):
        LoggerHook.after_test_epoch = master_only(original)
