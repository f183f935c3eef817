"""How the results of a job came about: command, device, versions, data, schedule."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmreviewkd.compat.versions import in_use
from mmreviewkd.version import __version__

from .job_configs import Data
from .plan import Run


def about_job(runs: Sequence[Run], data: Data, device: str) -> dict[str, Any]:
    """Describe a job, for ``results.json``.

    Args:
        runs (Sequence[Run]): Its runs.
        data (DataFolder | LabeledImages): The data set.
        device (str): What the runs are done on, in words.

    Returns:
        dict: ``command`` of this process, with absolute paths cut to their last part,
        so that the file can be published; ``device``; ``versions`` by package;
        ``data``: ``name``, ``images`` and ``instances`` of training and validation, and
        ``classes``; ``epochs`` of ``student`` and ``teacher``.
    """
    versions = dict(mmreviewkd=__version__) | in_use()
    epochs = {
        run.name: run.config.train_cfg.get('max_epochs')
        for run in runs
        if run.name in ('student', 'teacher')
    }
    return dict(
        command=shlex.join(map(_without_folders, sys.argv)),
        device=device,
        versions=versions,
        data=dict(
            name=data.root.name,
            images=[data.train.images, data.val.images],
            instances=[data.train.instances, data.val.instances],
            classes=list(data.classes),
        ),
        epochs=epochs,
    )


def _without_folders(argument: str) -> str:
    key, equals, value = argument.rpartition('=')
    return f'{key}{equals}{Path(value).name}' if value.startswith('/') else argument
