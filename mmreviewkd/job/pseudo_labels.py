"""Pseudo labels of a job: written once, by the teacher that the students learn from."""

from mmengine.config import Config

from mmreviewkd.datasets import add_unlabeled, remove_unlabeled
from mmreviewkd.datasets.class_names import class_names
from mmreviewkd.datasets.pseudo_labels import Counts, write_pseudo_labels

from .checkpoints import trained_weights
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
