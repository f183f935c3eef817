"""What a way of learning from the teacher is given, and what it returns."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mmreviewkd.features import Feature, FeatureRecorder
from mmreviewkd.features.recorder import Call


@dataclass
class Batch:
    """What there is to compare in one training step.

    Args:
        feats (tuple[Tensor]): The student's maps (N, C_i, H_i, W_i) that are compared,
            finest level first.
        targets (tuple[Tensor]): The teacher's maps (N, D_i, H_i, W_i) that they are
            compared with; of other sizes than the student's where ``model.resize`` is
            ``'review'``.
        images (Tensor): The images (N, C, H, W), normalised for the student.
        data_samples (list[:obj:`BaseDataElement`]): Their annotations.
        student (nn.Module): The student.
        teacher (nn.Module): The teacher.
        student_feats (tuple[Tensor]): All features of the student's modules.
        teacher_feats (tuple[Tensor]): All features of the teacher's modules.
        levels (tuple[Feature]): Those features of the student that are compared.
        teacher_levels (tuple[Feature]): Those of the teacher.
        recorded (FeatureRecorder): The calls of the student's modules that the
            distillation has asked for, see :meth:`Distillation.student_modules`.
    """

    feats: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    images: Tensor
    data_samples: Sequence[Any] | None
    student: nn.Module
    teacher: nn.Module
    student_feats: tuple[Tensor, ...] = ()
    teacher_feats: tuple[Tensor, ...] = ()
    levels: tuple[Feature, ...] = ()
    teacher_levels: tuple[Feature, ...] = ()
    recorded: FeatureRecorder | None = None

    def call(self, name: str) -> Call:
        """Return the call of one of the student's modules that were asked for."""
        return self._recorder(name).call(name)

    def calls(self, name: str) -> list[Call]:
        """Return all calls of such a module, as a head's layers have one a level."""
        return self._recorder(name).calls(name)

    def last_call(self, name: str) -> Call:
        """Return the last call of such a module.

        That of a box head is for its loss: samplers such as OHEM's run it before.
        """
        calls = self.calls(name)
        return calls[-1] if calls else self.call(name)

    def _recorder(self, name: str) -> FeatureRecorder:
        if self.recorded is None:
            raise RuntimeError(f'no call of {name!r} has been recorded')
        return self.recorded

    @property
    def boxes(self) -> list[Tensor]:
        """list[Tensor]: The annotated boxes (K, 4) of each image, in pixels."""
        boxes = [one.gt_instances.bboxes for one in self.data_samples or ()]
        return [getattr(one, 'tensor', one) for one in boxes]


class Distillation(nn.Module, metaclass=ABCMeta):
    """One way of learning from the teacher, with what it needs in training only.

    Its weights are stored under ``distillation.`` and left out of published students.

    Args:
        in_channels (Sequence[int]): Channels of the student's maps that are compared,
            finest level first. They are measured, as are ``out_channels``.
        out_channels (Sequence[int]): Channels of the teacher's maps.
        loss_weight (float): Weight of its losses; where it is 0 nothing is computed.
            Defaults to 1.0.

    Attributes:
        needs_heads (bool): Whether the teacher's heads are built, to be found in
            ``batch.teacher.model``.
        maps_only (bool): Whether it needs nothing but ``feats`` and ``targets``, no
            annotations and no calls of heads. It then gets the maps of unlabelled
            images too, behind those of the labelled ones.
    """

    needs_heads = False
    maps_only = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.in_channels = list(in_channels)
        self.out_channels = list(out_channels)
        self.loss_weight = loss_weight

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name modules of the student whose calls are needed, beside the features."""
        return ()

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the losses of a training step, without their weight.

        Args:
            batch (Batch): What there is to compare.

        Returns:
            dict[str, Tensor]: Scalars. Those whose names begin with ``'loss'`` are
            summed and trained on; others, which must not hold the word, are logged
            only.
        """
