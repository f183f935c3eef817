"""Where version 0.1 had :mod:`mmreviewkd.model_config`."""

from mmreviewkd.model_config import resolve_model_config, without_pretrained

__all__ = ['resolve_model_config', 'without_pretrained']
