"""Networks of the package timm, built by their names."""

from typing import Any

from torch import nn

SIZE, PAD = 'dynamic_img_size', 'dynamic_img_pad'


def create_network(model: str, **kwargs: Any) -> nn.Module:
    """Build a network of timm.

    Args:
        model (str): Its name, as in ``timm.list_models()``.
        **kwargs: Other arguments of ``timm.create_model``.

    Raises:
        ImportError: If timm is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise ImportError(
            f'{model} needs timm, which is not installed; run pip install timm'
        ) from error
    return timm.create_model(model, **kwargs)


def create_features(
    model: str, of_tokens: dict[str, Any] | None = None, **kwargs: Any
) -> nn.Module:
    """Build a network of timm that returns the maps of its stages or blocks.

    Those that can be told to take images of any size are told so.

    Args:
        model (str): Its name, as in ``timm.list_models()``.
        of_tokens (dict, optional): More arguments for vision transformers, whose maps
            all have one size. Defaults to None.
        **kwargs: Other arguments of ``timm.create_model``, which come first.

    Raises:
        ImportError: If timm is not installed.
    """
    # Only its constructor knows which of these a network takes: ViT both, Swin one.
    for names in ((SIZE, PAD), (SIZE,)):
        added: dict[str, Any] = dict.fromkeys(names, True)
        if PAD in names:
            added |= of_tokens or {}
        try:
            return create_network(model, features_only=True, **(added | kwargs))
        except TypeError as error:
            if not any(f"argument '{name}'" in str(error) for name in names):
                raise
    return create_network(model, features_only=True, **kwargs)
