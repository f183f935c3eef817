"""Learning from the teacher's maps."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor

from mmreviewkd.connectors.review_connector import FUSIONS
from mmreviewkd.losses import loss_by_level
from mmreviewkd.losses.standardize import standardize
from mmreviewkd.model_config import build_model, model_class
from mmreviewkd.precision import autocast, dtype_of

from .distillation import Batch, Distillation


@MODELS.register_module()
class FeatureDistillation(Distillation):
    """A connector makes maps of the student's, a loss compares them with the teacher's.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        connector (dict): Config of the connector.
        loss (dict): Config of the loss.
        standardize_targets (bool): Whether each channel of the teacher's maps gets
            mean 0 and variance 1, over the batch and all positions of a level, before
            they are compared. What is learned then does not depend on the teacher's
            offsets and scales, and one ``loss_weight`` serves all teachers: with HCL a
            level's loss starts near 2. Defaults to False, as published.
        dtype (str, optional): Precision of the connector: ``'bfloat16'`` makes it
            faster where the device multiplies that natively. The loss stays in float32.
            Defaults to None: that of the training.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    maps_only = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        connector: dict,
        loss: dict,
        standardize_targets: bool = False,
        dtype: str | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        for field, config in dict(connector=connector, loss=loss).items():
            if not isinstance(config, dict):
                raise ValueError(
                    f'distillation.{field} has to be a config, such as '
                    f"dict(type='...'); got {config!r}"
                )
        if loss.get('type') == 'OnStandardizedTargets':
            # As configs of version 0.1 have it.
            loss, standardize_targets = loss['loss'], True
        self.standardize_targets = standardize_targets
        self.dtype = dtype_of(dtype, 'distillation.dtype')
        self.connector: Any = build_model(
            dict(
                _with_fusion_class(connector),
                in_channels=in_channels,
                out_channels=out_channels,
            )
        )
        self.loss = build_model(loss)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the connector's maps with the teacher's; log each level's loss."""
        sizes = [target.shape[-2:] for target in batch.targets]
        with autocast(batch.feats[0].device, self.dtype):
            outs = self.connector(batch.feats, sizes, batch.targets)
        targets = [batch.targets[level] for level in self.connector.target_levels]
        if self.standardize_targets:
            targets = [standardize(target) for target in targets]
        losses = self.by_level(batch, outs, targets)
        levels = {f'level_{n}': loss.detach() for n, loss in enumerate(losses)}
        return {
            'loss': torch.stack(losses).sum(),
            **(levels if len(losses) > 1 else {}),
        }

    def by_level(
        self, batch: Batch, outs: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> list[Tensor]:
        """Compute the loss of each level, from the connector's and the teacher's."""
        return loss_by_level(self.loss, outs, targets)


def _with_fusion_class(connector: dict) -> dict:
    """Look a fusion of somebody else up; connectors know no registry."""
    fusion = connector.get('fusion') or {}
    kind = fusion.get('type')
    if not isinstance(kind, str) or kind in FUSIONS:
        return connector
    return dict(connector, fusion=dict(fusion, type=model_class(fusion) or kind))
