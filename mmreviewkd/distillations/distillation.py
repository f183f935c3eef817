"""What a way of learning from the teacher is given, and what it returns."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mmdet.models.detectors import BaseDetector
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmengine.model import BaseModule
from torch import Tensor, nn


@dataclass
class Step:
    """What one training step has to compare.

    Args:
        student (:obj:`BaseDetector`): The student.
        teacher (nn.Module): The teacher.
        images (Tensor): The images (N, C, H, W), normalised for the student.
        data_samples (list[:obj:`DetDataSample`]): Their annotations.
        student_feats (tuple[Tensor]): All maps (N, C_i, H_i, W_i) of the student's
            neck, finest level first.
        teacher_feats (tuple[Tensor]): All maps of the teacher's neck.
        student_levels (Sequence[int]): Which of the student's maps are compared.
        teacher_levels (Sequence[int]): Which of the teacher's they are compared with.
        maps (dict[str, Sequence[Tensor]]): Maps by what they are, to which a
            distillation may add its own: looked at where a loss is not finite.
        log (dict[str, Tensor]): Scalars by name, to which a distillation may add parts
            of its loss, without its weight: they are logged, and not trained on.
    """

    student: BaseDetector
    teacher: nn.Module
    images: Tensor
    data_samples: SampleList
    student_feats: tuple[Tensor, ...]
    teacher_feats: tuple[Tensor, ...]
    student_levels: Sequence[int]
    teacher_levels: Sequence[int]
    maps: dict[str, Sequence[Tensor]] = field(default_factory=dict)
    log: dict[str, Tensor] = field(default_factory=dict)

    @property
    def boxes(self) -> list[Tensor]:
        """list[Tensor]: The annotated boxes (K, 4) of each image, in pixels."""
        return [get_box_tensor(one.gt_instances.bboxes) for one in self.data_samples]

    @cached_property
    def feats(self) -> tuple[Tensor, ...]:
        """tuple[Tensor]: Those of the student's maps that are compared."""
        return tuple(self.student_feats[level] for level in self.student_levels)

    @cached_property
    def targets(self) -> tuple[Tensor, ...]:
        """tuple[Tensor]: What they are compared with, of the same sizes."""
        return tuple(self.teacher_feats[level] for level in self.teacher_levels)


class Distillation(BaseModule, metaclass=ABCMeta):
    """One way of learning from the teacher, with what it needs in training only.

    Its weights are stored under ``distillation.`` and left out of published students.

    Args:
        in_channels (Sequence[int]): Channels of the student's maps that are compared,
            finest level first. Filled in by :func:`DistilledDetector`, as are
            ``out_channels``, from the necks' configs.
        out_channels (Sequence[int]): Channels of the teacher's maps.
        loss_weight (float): Weight of its loss; where it is 0 nothing is computed.
            Defaults to 1.0.
        init_cfg (dict, optional): Initialisation. Defaults to None.

    Attributes:
        needs_heads (bool): Whether the teacher's heads are built, to be found in
            ``step.teacher``.
    """

    needs_heads = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = list(in_channels)
        self.out_channels = list(out_channels)
        self.loss_weight = loss_weight

    @abstractmethod
    def forward(self, step: Step) -> Tensor:
        """Compute the loss of a training step, a scalar, without its weight."""
