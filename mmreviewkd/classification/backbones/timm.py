"""Networks of the package timm."""

from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from .stages import Stages


@MODELS.register_module()
class TimmBackbone(nn.Module):
    """Any network of timm, as maps at its stages and the last of them averaged.

    Args:
        model (str): Its name, as in ``timm.list_models()``.
        **kwargs: Other arguments of ``timm.create_model``, such as ``pretrained``.

    Raises:
        ImportError: If timm is not installed.
    """

    def __init__(self, model: str, **kwargs: Any) -> None:
        super().__init__()
        self.model = _create(model, features_only=True, **kwargs)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps (N, C_i, H_i, W_i), finest first, and the vector (N, C)."""
        maps = self.model(images)
        return (*maps, maps[-1].mean((2, 3)))


@MODELS.register_module()
class TimmMobileNetV1(Stages):
    """timm's MobileNetV1, with plain ReLUs.

    The maps are those of 1/4 to 1/32 of the images' size.

    Args:
        pre_activation (bool): See :class:`Stages`. Defaults to False.

    Raises:
        ImportError: If timm is not installed.
    """

    def __init__(self, pre_activation: bool = False) -> None:
        model: Any = _create('mobilenetv1_100', act_layer='relu')
        stem = nn.Sequential(model.conv_stem, model.bn1, model.blocks[0])
        stages = {f'stage{n}': block for n, block in enumerate(model.blocks) if n}
        super().__init__(dict(stem=stem, **stages), list(stages), pre_activation)


def _create(model: str, **kwargs: Any) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise ImportError(
            f'{model} needs timm, which is not installed; run pip install timm'
        ) from error
    return timm.create_model(model, **kwargs)
