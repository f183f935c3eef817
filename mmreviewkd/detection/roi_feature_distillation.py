"""Learning from how the teacher relates objects."""

from collections.abc import Sequence

from mmdet.utils import ConfigType
from mmengine.registry import MODELS
from torch import Tensor

from mmreviewkd.model_config import build_model

from .object_distillation import ObjectDistillation


@MODELS.register_module()
class RoIFeatureDistillation(ObjectDistillation):
    """A loss compares the vectors of the annotated objects, see the base class.

    Args:
        in_channels (Sequence[int]): See :class:`ObjectDistillation`.
        out_channels (Sequence[int]): See :class:`ObjectDistillation`.
        loss (dict): Config of the loss. It gets one matrix (K, C) of each side,
            a row for each object.
        max_objects (int): See :class:`ObjectDistillation`. Defaults to 16.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        loss: ConfigType,
        max_objects: int = 16,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, max_objects, loss_weight)
        self.loss = build_model(loss)

    def compare(self, preds: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss."""
        return self.loss([preds], [targets])
