"""Class scores, the true class apart from the others."""

from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.dkd import decoupled_divergence
from mmreviewkd.methods import Batch
from mmreviewkd.methods.classifiers import image_labels, is_classifier

from .dense_heads import assigned_labels, labels_of, of_levels
from .logit_distillation import LogitDistillation


@MODELS.register_module()
class DKD(LogitDistillation):
    """Decoupled knowledge distillation (DKD) on classification scores.

    :class:`LogitDistillation`, with :func:`decoupled_divergence` in place of the
    Kullback-Leibler divergence. The true class of a classifier's image is its label;
    that of a proposal or anchor, background included, the one that the student's own
    loss is given in this step.

    It fits heads with a softmax: Faster, Mask R-CNN and others with one box head, and
    one-stage detectors whose ``loss_cls`` has ``use_sigmoid=False``.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        temperature (float): What scores are divided by. Defaults to 1.0;
            it and the weights are those of the authors' code for detection.
        alpha (float): Weight of the true class's part. Defaults to 1.0.
        beta (float): Weight of the other classes' part. Defaults to 0.25.
        standardize (bool): See :class:`LogitDistillation`. Defaults to False.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        temperature: float = 1.0,
        alpha: float = 1.0,
        beta: float = 0.25,
        standardize: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(
            in_channels, out_channels, temperature, standardize, loss_weight
        )
        self.alpha = alpha
        self.beta = beta

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the heads, and the loss that is given the labels."""
        if is_classifier(student):
            return super().student_modules(student)
        return (*super().student_modules(student), _loss(student))

    def check_sigmoid(self) -> None:
        """Refuse heads with a sigmoid for each class."""
        raise ValueError(
            'DKD fits heads with a softmax, of two-stage detectors or with '
            'loss_cls.use_sigmoid=False: it splits one distribution over the classes; '
            'for a sigmoid for each class take BCKD or LogitDistillation'
        )

    def divergence(self, batch: Batch, preds: Tensor, targets: Tensor) -> Tensor:
        """Compare rows of scores (K, C) of which each makes a softmax: (K,)."""
        preds, targets = self.comparable(preds, targets)
        if is_classifier(batch.student):
            labels = image_labels(batch.data_samples).to(preds.device)
            return decoupled_divergence(
                preds, targets, labels, self.alpha, self.beta, self.temperature
            )
        loss = _loss(batch.student)
        if hasattr(batch.student, 'roi_head'):
            labels = labels_of(batch.last_call(loss))
        else:
            head: Any = batch.student.bbox_head
            maps = batch.call('bbox_head').output[0]
            levels = [level.index for level in batch.levels]
            labels = assigned_labels(batch, loss)
            labels = of_levels(labels, maps, levels, head.num_base_priors)
        return decoupled_divergence(
            preds, targets, labels, self.alpha, self.beta, self.temperature
        )


def _loss(student: nn.Module) -> str:
    part = 'roi_head.' if hasattr(student, 'roi_head') else ''
    return f'{part}bbox_head.loss_cls'
