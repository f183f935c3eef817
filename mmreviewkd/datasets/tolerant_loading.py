"""Training that a broken image among thousands does not end."""

import os
from pathlib import Path
from typing import Any

from mmcv.transforms import LoadImageFromFile
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, TRANSFORMS
from mmengine.runner import Runner

from mmreviewkd.names import counted


@TRANSFORMS.register_module()
class LoadImageOrSkip(LoadImageFromFile):
    """Loads an image; where that fails, another sample is taken in its place.

    The image's name goes to a file, since data loading workers are processes of their
    own; :class:`BrokenImagesHook` reports it after training. For training only: in
    evaluation, MMDetection refuses to leave an image out.

    Args:
        broken_list (str): The file to which names are added, one a line.
        **kwargs: Those of :class:`mmcv.transforms.LoadImageFromFile`.
    """

    def __init__(self, broken_list: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.broken_list = Path(broken_list)

    def transform(self, results: dict) -> dict | None:
        """Load the image; None where it is missing or cannot be decoded."""
        try:
            return super().transform(results)
        except Exception as error:  # decoders fail in many ways
            self.broken_list.parent.mkdir(parents=True, exist_ok=True)
            line = f'{results["img_path"]!r}: {error!r}'.replace('\n', ' ') + '\n'
            # One write, which the system adds to the end as a whole.
            handle = os.open(
                self.broken_list, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666
            )
            try:
                os.write(handle, line.encode())
            finally:
                os.close(handle)
            return None


@HOOKS.register_module()
class BrokenImagesHook(Hook):
    """Reports after training which images :class:`LoadImageOrSkip` passed over.

    Args:
        broken_list (str): The file that it has written.
    """

    def __init__(self, broken_list: str) -> None:
        self.broken_list = Path(broken_list)

    def after_train(self, runner: Runner) -> None:
        """Write the report to the log."""
        if not is_main_process() or not self.broken_list.is_file():
            return
        lines = self.broken_list.read_text(encoding='utf-8').splitlines()
        images = dict.fromkeys(lines)
        first = '\n'.join(f'  {line}' for line in list(images)[:5])
        runner.logger.warning(
            f'{counted(len(images), "image")} could not be read, passed over '
            f'{counted(len(lines), "time")}; all are listed in '
            f'{self.broken_list}:\n{first}'
        )
