"""The check of a whole config: data, models, teacher, one training step."""

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmreviewkd.datasets.class_names import class_names
from mmreviewkd.default_hooks import drop_hooks_that_are_off

from .data import check_files
from .fields import check_fields
from .findings import Findings
from .heads import check_heads
from .samples import build_loaders
from .step import try_a_step


def preflight(cfg: Config, sample: int = 500) -> Findings:
    """Check a config before a long run.

    Args:
        cfg (Config): Config of a training, distillation or plain.
        sample (int): Read so many images of each annotation file at most.
            Defaults to 500.

    Returns:
        Findings: Problems of the fields, of the data, of the number of classes, of
        building the model and loading the teacher, and of one step of training and of
        evaluation, which are taken only where there is no problem before them.
    """
    cfg = cfg.copy()
    drop_hooks_that_are_off(cfg)
    init_default_scope(cfg.get('default_scope') or 'mmdet')
    found = Findings()
    check_fields(cfg, found)
    for name in ('model', 'train_dataloader'):
        if not cfg.get(name):
            found.problem(f'the config has no {name}, so there is nothing to train')
            return found
    check_files(cfg, sample, found)
    loaders = {} if found.problems else build_loaders(cfg, found)
    train = loaders.get('train_dataloader')
    check_heads(cfg.model, class_names(train.dataset) if train else None, found)
    if not found.problems:
        try_a_step(cfg, loaders, found)
    return found
