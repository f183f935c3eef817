"""What a job is asked for: which detectors, and how they are trained."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Detectors:
    """Which teacher and which student, as the user names them.

    Without any name they are the demo's.

    Args:
        pair (str, optional): Config of a distillation: the name of a published pair
            such as ``'reviewkd_frcnn_r101_r18'``, a path, or a name in a package.
            Defaults to None.
        student (str, optional): Config of the student's own training, a path or a
            name such as ``'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py'``.
            Defaults to None: the pair's.
        teacher (str, optional): That of the teacher. Defaults to None: the pair's.
        student_checkpoint (str, optional): Weights that the student starts from,
            alone and distilled. Defaults to None: as its config says.
        teacher_checkpoint (str, optional): Weights of a trained teacher, or
            ``'random'``. Defaults to None: those of the pair; without a pair the
            teacher is trained on the data.
        train_teacher (bool): Whether the teacher is trained on the data, from its
            checkpoint where it has one. Defaults to False: only where it has none.
        from_scratch (bool): Whether the detectors that are trained start from random
            weights, with no layer frozen. Defaults to False.
    """

    pair: str | None = None
    student: str | None = None
    teacher: str | None = None
    student_checkpoint: str | None = None
    teacher_checkpoint: str | None = None
    train_teacher: bool = False
    from_scratch: bool = False


@dataclass(frozen=True)
class Training:
    """How all detectors of a job are trained; what is None stays as configured.

    Args:
        epochs (int, optional): Epochs of each run but the teacher's. Defaults to None.
        teacher_epochs (int, optional): Epochs of the teacher's run. Defaults to None.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None.
        max_images (Sequence[int], optional): Use so many images for training and
            for validation at most. Defaults to None: all.
        batch (int | str, optional): Images a step and process, or ``'auto'``: as many
            as the GPU holds. Defaults to None.
        workers (int, optional): Processes that load the images. Defaults to None:
            those of the config, at most one less than there are cores.
        amp (bool, optional): Whether to train in mixed precision. Defaults to None:
            on GPUs.
        patience (int, optional): End a run when so many epochs have not raised its
            AP. Defaults to None: never.
    """

    epochs: int | None = None
    teacher_epochs: int | None = None
    image_size: int | None = None
    max_images: Sequence[int] | None = None
    batch: int | str | None = None
    workers: int | None = None
    amp: bool | None = None
    patience: int | None = None
