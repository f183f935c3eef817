"""Teachers that are no MMEngine models: timm's, torchvision's, any nn.Module."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.timm_networks import create_features

IMAGENET = dict(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@MODELS.register_module()
class ImageModel(BaseModel):
    """Any module that turns images into features, with its normalisation.

    Args:
        module (dict | nn.Module): The module, of which a copy is taken, or its config
            in MMEngine's registry.
        mean (Sequence[float]): Mean of each channel, in the order in which the module
            takes them. Defaults to that of ImageNet, of images of 0 to 1.
        std (Sequence[float]): Standard deviation, likewise.
        value_range (float): The largest value of an image that mean and std are for:
            1 or 255. Defaults to 1.
        to_rgb (bool): Whether the module takes RGB. Defaults to True.
        features (Sequence[str]): Names of the modules whose output is compared unless
            ``model.teacher_features`` says others, beginning with ``'backbone'``, which
            is ``module``. Defaults to (): the module itself.

    Attributes:
        brings_weights (bool): Whether the module is trained when it is built, and
            needs no checkpoint: one that is given is; one of a config is if its own
            attribute ``brings_weights`` says so.
    """

    def __init__(
        self,
        module: dict | nn.Module,
        mean: Sequence[float] = IMAGENET['mean'],
        std: Sequence[float] = IMAGENET['std'],
        value_range: float = 1.0,
        to_rgb: bool = True,
        features: Sequence[str] = (),
    ) -> None:
        super().__init__(
            data_preprocessor=dict(
                type='ImgDataPreprocessor',
                mean=[255 / value_range * value for value in mean],
                std=[255 / value_range * value for value in std],
                bgr_to_rgb=to_rgb,
            )
        )
        # A copy, since a teacher is frozen.
        self.backbone = (
            MODELS.build(module) if isinstance(module, dict) else copy.deepcopy(module)
        )
        self.default_features = tuple(features)
        self.brings_weights = (
            getattr(self.backbone, 'brings_weights', False)
            if isinstance(module, dict)
            else True
        )

    def forward(
        self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor'
    ) -> Any:
        """Run the module on normalised images (N, C, H, W)."""
        return self.backbone(inputs)

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the weights of a checkpoint the names that they have here."""
        return dict(state)


@MODELS.register_module()
class TimmModel(ImageModel):
    """A model of timm by its name, as maps at its stages.

    A vision transformer gives the tokens of its last block as one map; images of any
    size are taken (position embeddings are interpolated, images padded to whole
    patches).

    Args:
        model (str): Name, as in ``timm.list_models()``.
        pretrained (bool | str): True for the weights that timm downloads, or a file of
            them, also of safetensors. Defaults to False: those of
            ``model.teacher_checkpoint``.
        out_indices (Sequence[int], optional): The stages or blocks. Defaults to None:
            all stages but the stem of a pyramid, the last block of a transformer.
        **kwargs: Other arguments of ``timm.create_model``.

    Raises:
        ImportError: If timm is not installed.
    """

    def __init__(
        self,
        model: str,
        pretrained: bool | str = False,
        out_indices: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(pretrained, str):
            kwargs['pretrained_cfg_overlay'] = dict(file=pretrained)
        if out_indices is not None:
            kwargs['out_indices'] = tuple(out_indices)
        found = create_features(
            model,
            of_tokens=dict(out_indices=(-1,)),
            pretrained=bool(pretrained),
            **kwargs,
        )
        cfg = getattr(found, 'pretrained_cfg', None) or {}
        super().__init__(
            found,
            mean=cfg.get('mean', IMAGENET['mean']),
            std=cfg.get('std', IMAGENET['std']),
        )
        self.brings_weights = bool(pretrained)

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the weights of a whole model the names that they have in its stages.

        timm turns ``stages.0``, say, into a child ``stages_0`` of what has stages only.
        """
        stages = {
            name.replace('_', '.') + '.': name + '.'
            for name, _ in self.backbone.named_children()
        }
        renamed = {}
        for name, value in state.items():
            stage = next((one for one in stages if name.startswith(one)), '')
            renamed[stages.get(stage, '') + name.removeprefix(stage)] = value
        return renamed


@MODELS.register_module()
class TorchvisionModel(ImageModel):
    """A classifier of torchvision by its name.

    Args:
        model (str): Name, as in ``torchvision.models.list_models()``.
        pretrained (bool | str): True for the weights that torchvision downloads by
            default, or the name of others. Defaults to False: those of
            ``model.teacher_checkpoint``.
        **kwargs: Other arguments of ``torchvision.models.get_model``.
    """

    def __init__(
        self, model: str, pretrained: bool | str = False, **kwargs: Any
    ) -> None:
        import torchvision

        weights = 'DEFAULT' if pretrained is True else pretrained or None
        found = torchvision.models.get_model(model, weights=weights, **kwargs)
        stages = [f'layer{number}' for number in range(1, 5)]
        stages = [name for name in stages if hasattr(found, name)]
        super().__init__(found, features=[f'backbone.{name}' for name in stages])
        self.brings_weights = bool(pretrained)
