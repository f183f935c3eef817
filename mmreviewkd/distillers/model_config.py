"""Model configs by name: a path, a package's config, or a changed base."""

from mmdet.utils import ConfigType
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config


def resolve_model_config(model: str | ConfigType) -> ConfigDict:
    """Read the config of a model from where it is named.

    Args:
        model (str | dict): A config file's path, a name in a package such as
            ``'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'``, or the
            model's dict itself. A dict with the key ``_base_`` (a path or a
            name) starts from that config's model and states what differs, as
            config files do (``_delete_`` included).

    Returns:
        ConfigDict: The model's own config, independent of the input.

    Raises:
        FileNotFoundError: If a named file does not exist.
        ValueError: If the file has no ``model``, the dict no ``type``, or ``model`` is
            none of these.
    """
    if isinstance(model, str):
        return _model_of_file(model)
    if not isinstance(model, dict):
        raise ValueError(
            "a model's config has to be a file, a name such as 'mmdet::...' or a dict; "
            f'got {model!r}'
        )
    changes = ConfigDict(model).copy()
    base = changes.pop('_base_', None)
    if base is not None:
        resolved = Config(dict(model=_model_of_file(base)))
        resolved.merge_from_dict(dict(model=changes.to_dict()))
        changes = resolved.model
    if 'type' not in changes:
        raise ValueError(
            "a model's config needs `type`, or `_base_` with the config to start "
            f'from; got the keys {sorted(changes)}'
        )
    return ConfigDict(changes.to_dict())


def _model_of_file(name: str) -> ConfigDict:
    cfg = get_config(name) if '::' in name else Config.fromfile(name)
    if 'model' not in cfg:
        raise ValueError(f'the config {name} has no `model`')
    model = cfg.model
    # Some configs of MMDetection keep the preprocessor beside the model.
    if 'data_preprocessor' in cfg:
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    return model


def without_pretrained(config: ConfigDict) -> ConfigDict:
    """Take the pretrained weights out of a model's config, in place.

    For benchmarks and tests, which download nothing.

    Returns:
        ConfigDict: The config.
    """
    parts = [config]
    while parts:
        part = parts.pop()
        if (part.get('init_cfg') or {}).get('type') == 'Pretrained':
            part.init_cfg = None
        parts += [value for value in part.values() if isinstance(value, dict)]
    return config
