"""Networks of the package timm."""

from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.timm_networks import create_features, create_network

from .stages import Stages


@MODELS.register_module()
class TimmBackbone(nn.Module):
    """A network of timm, as maps at its stages and the last of them averaged.

    Any that takes images of several sizes. Vision transformers and Swin are built so
    that they do.

    Args:
        model (str): Its name, as in ``timm.list_models()``.
        **kwargs: Other arguments of ``timm.create_model``, such as ``pretrained``.

    Raises:
        ImportError: If timm is not installed.
    """

    def __init__(self, model: str, **kwargs: Any) -> None:
        super().__init__()
        self.model: Any = create_features(model, **kwargs)
        from timm.layers import get_spatial_dim  # after the error where it is missing

        self._positions = get_spatial_dim(self.model.output_fmt)
        self.brings_weights = bool(kwargs.get('pretrained'))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps and the vector (N, C).

        The maps are (N, C_i, H_i, W_i), finest first; (N, H_i, W_i, C_i) of networks
        that timm runs so, such as Swin.
        """
        maps = self.model(images)
        return (*maps, maps[-1].mean(self._positions))


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
        model: Any = create_network('mobilenetv1_100', act_layer='relu')
        stem = nn.Sequential(model.conv_stem, model.bn1, model.blocks[0])
        stages = {f'stage{n}': block for n, block in enumerate(model.blocks) if n}
        super().__init__(dict(stem=stem, **stages), list(stages), pre_activation)
