"""Learning from the maps of the teacher's neck."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor

from mmreviewkd.losses import loss_by_level

from .distillation import Distillation, Step


@MODELS.register_module()
class FeatureDistillation(Distillation):
    """A connector makes maps of the student's, a loss compares them with the teacher's.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        connector (dict): Config of the connector.
        loss (dict): Config of the loss.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        connector: ConfigType,
        loss: ConfigType,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.connector = MODELS.build(
            dict(connector, in_channels=in_channels, out_channels=out_channels)
        )
        self.loss = MODELS.build(loss)

    def forward(self, step: Step) -> Tensor:
        """Compare the connector's maps with the teacher's; log each level's loss."""
        outs = self.connector(step.feats)
        step.maps["the connector's maps"] = outs
        targets = [step.targets[level] for level in self.connector.target_levels]
        losses = loss_by_level(self.loss, outs, targets)
        if len(losses) > 1:
            step.log |= {f'level_{n}': loss for n, loss in enumerate(losses)}
        return sum(losses)
