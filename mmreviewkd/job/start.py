"""Where the weights of a training start from."""

from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from torch import nn

from mmreviewkd.distillers import students_own
from mmreviewkd.model_config import without_pretrained
from mmreviewkd.names import counted, listing
from mmreviewkd.teachers.weights import read_weights

from .errors import JobError


def start_from_scratch(cfg: Config) -> None:
    """Have a training start from random weights, with nothing frozen.

    Args:
        cfg (Config): Config of the training, plain or distilled, which is changed.
    """
    cfg.load_from = None
    if 'student' in cfg.model:
        cfg.model.student = random_model(cfg.model.student)
    else:
        cfg.model = random_model(cfg.model)


def random_model(model: ConfigDict) -> ConfigDict:
    """Copy a model's config without weights to start from, and with nothing frozen.

    Layers that are frozen would stay random.

    Args:
        model (ConfigDict): The config.
    """
    model = without_pretrained(model)
    _unfreeze(model)
    return model


def start_from_checkpoint(cfg: Config, checkpoint: str) -> None:
    """Have a training start from a checkpoint of the whole detector.

    Args:
        cfg (Config): Config of the training, plain or distilled, which is changed.
        checkpoint (str): The checkpoint. Layers for other classes start anew.
    """
    cfg.load_from = checkpoint
    if 'student' in cfg.model:
        cfg.model.student = without_pretrained(cfg.model.student)
        # It would be written over.
        cfg.model.inherit = ()
    else:
        cfg.model = without_pretrained(cfg.model)


def check_start(from_scratch: bool, checkpoint: str | None) -> None:
    """Refuse to start from two places, or from a file that is not there.

    Raises:
        JobError: If both are asked for, or there is no such checkpoint.
    """
    if from_scratch and checkpoint:
        raise JobError(
            '--from-scratch and --student-checkpoint say different things; leave one '
            'of them out'
        )
    if checkpoint and '://' not in checkpoint and not Path(checkpoint).is_file():
        raise JobError(f'--student-checkpoint {checkpoint}: there is no such file')


def _unfreeze(value: Any) -> None:
    if isinstance(value, dict):
        if value.get('frozen_stages', -1) >= 0:
            value['frozen_stages'] = -1
        if value.get('norm_eval'):
            value['norm_eval'] = False
        norm = value.get('norm_cfg')
        if isinstance(norm, dict) and norm.get('requires_grad') is False:
            norm['requires_grad'] = True
        for part in value.values():
            _unfreeze(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _unfreeze(part)


def check_weights(model: nn.Module, checkpoint: str, strict: bool) -> None:
    """Compare a checkpoint with the detector that is to get its weights.

    Args:
        model (nn.Module): The detector.
        checkpoint (str): The checkpoint.
        strict (bool): Whether all weights have to fit. Else half of them have to:
            layers for other classes do not.

    Raises:
        ValueError: If they do not.
    """
    state = read_weights(checkpoint).state
    own = students_own(model.state_dict())
    fits = [
        n for n, value in own.items() if n in state and state[n].shape == value.shape
    ]
    if len(fits) < (len(own) if strict else len(own) / 2):
        others = [name for name in own if name not in fits]
        raise ValueError(
            f'{checkpoint} is the checkpoint of another detector: it has {len(fits)} '
            f'of the {counted(len(own), "weight")} of the {type(model).__name__}'
            + listing('missing there or of another shape', others)
        )
