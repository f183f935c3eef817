"""A classifier: backbone, pooling, one linear layer."""

from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.features.feature import tensors_in
from mmreviewkd.features.measure import measure


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """Classifies images by the last feature of a backbone.

    Where the backbone's last feature is a map, it is averaged over its positions.

    Args:
        backbone (dict): Config of the backbone, a module that turns images
            (N, C, H, W) into maps, a vector, or several of these, the last one last.
        num_classes (int): Number of classes.
        data_preprocessor (dict, optional): See :class:`ImageBatchPreprocessor`.
            Defaults to None: MMEngine's, which changes nothing.
        init_cfg (dict, optional): See :class:`mmengine.model.BaseModule`. Defaults to
            None: the backbone's library has initialised it.
    """

    def __init__(
        self,
        backbone: dict,
        num_classes: int,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        channels = measure(self, ['backbone'], 'classifier')[-1].channels
        self.head = LinearHead(channels, num_classes)

    def forward(
        self, inputs: Tensor, data_samples: Tensor | None = None, mode: str = 'tensor'
    ) -> Any:
        """Classify images.

        Args:
            inputs (Tensor): Images (N, C, H, W), normalised.
            data_samples (Tensor, optional): Their labels (N,).
            mode (str): ``'tensor'``, ``'loss'`` or ``'predict'``. Defaults to
                ``'tensor'``.

        Returns:
            Any: Scores (N, num_classes) before the softmax; or the cross-entropy by
            name; or a dict for each image, of ``pred_score`` (num_classes,), the
            probabilities, and ``gt_label`` where there are labels.

        Raises:
            ValueError: If there is no such mode, or no labels to learn from.
        """
        scores = self.head(self.backbone(inputs))
        if mode == 'tensor':
            return scores
        if mode == 'loss':
            if data_samples is None:
                raise ValueError(
                    'ImageClassifier needs labels (N,) in data_samples to train on'
                )
            return dict(loss=F.cross_entropy(scores.float(), data_samples))
        if mode != 'predict':
            raise ValueError(
                f"mode is {mode!r}, but has to be 'tensor', 'loss' or 'predict'"
            )
        results = [dict(pred_score=score) for score in scores.float().softmax(1)]
        for result, label in zip(
            results, () if data_samples is None else data_samples, strict=False
        ):
            result['gt_label'] = label
        return results


class LinearHead(nn.Linear):
    """A linear layer on a backbone's last feature; a map is averaged before."""

    def forward(self, input: Any) -> Tensor:
        """Score images: (N, num_classes)."""
        *_, last = tensors_in(input)
        return super().forward(last.mean((2, 3)) if last.dim() == 4 else last)
