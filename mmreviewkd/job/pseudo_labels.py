"""Pseudo labels of a job: written once, by the teacher that the students learn from."""

from collections.abc import Sequence

from mmengine.config import Config

from mmreviewkd.datasets import add_unlabeled, remove_unlabeled
from mmreviewkd.datasets.class_names import class_names
from mmreviewkd.datasets.pseudo_labels import Counts, made_from, write_pseudo_labels
from mmreviewkd.files import read_json

from .checkpoints import trained_weights
from .errors import JobError
from .plan import PseudoLabels, Run
from .quiet import quiet


def label_images(labels: PseudoLabels) -> Counts:
    """Let the teacher write pseudo labels; its run has to be finished, or given.

    Args:
        labels (PseudoLabels): What to write.

    Returns:
        Counts: What has been found.

    Raises:
        UsageError: If the teacher has other classes, or finds nothing.
    """
    cfg = labels.teacher.config
    with quiet():
        return write_pseudo_labels(
            cfg,
            trained_weights(labels.teacher),
            labels.folder,
            labels.path,
            labels.threshold,
            class_names(cfg.val_dataloader.dataset),
        )


def refuse_other_labels(runs: Sequence[Run]) -> None:
    """Refuse pseudo labels that are written already, but for another folder.

    Args:
        runs (Sequence[Run]): The runs of a job.

    Raises:
        JobError: If there are such.
    """
    all_labels = [run.pseudo_labels for run in runs if run.pseudo_labels]
    for labels in {labels.path: labels for labels in all_labels}.values():
        if not labels.path.is_file():
            continue
        old = read_json(labels.path).get('info')
        new = made_from(labels.folder, labels.threshold)
        # Without `info` they are of a former version.
        if old and old != new:
            raise JobError(
                f'{labels.path} holds pseudo labels for the images in '
                f'{old.get("folder")} (score {old.get("score_thr")} and more), not '
                f'for those in {labels.folder}; give another --work-dir, or delete '
                'that file to have it written anew'
            )


def without_missing_labels(run: Run, cfg: Config) -> None:
    """Take pseudo labels that are yet to be written out of a copy of a run's config.

    Args:
        run (Run): The run.
        cfg (Config): The copy, which is changed.
    """
    labels = run.pseudo_labels
    if labels is not None and not labels.path.is_file():
        remove_unlabeled(cfg)
        add_unlabeled(cfg, labels.folder)
