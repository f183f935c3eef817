"""MMEngine's runner, with checks and a learning rate by the effective batch."""

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import BaseLoop
from mmengine.runner import Runner as _Runner

from .datasets.check_unlabeled import check_unlabeled
from .datasets.class_names import check_data_sets
from .datasets.compact import compact


class Runner(_Runner):
    """MMEngine's runner, whose ``auto_scale_lr`` counts accumulated gradients.

    The training's data sets are checked before the first step: their classes
    (:func:`check_data_sets`), and whether unlabelled images are for a distilled model
    (:func:`check_unlabeled`). They let go of what they do not need (:func:`compact`).
    """

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of training, and check its data sets."""
        built = super().build_train_loop(loop)
        check_data_sets(built.dataloader.dataset, 'train_dataloader.dataset')
        check_unlabeled(built.dataloader.dataset, self.model)
        compact(built.dataloader.dataset)
        return built

    def scale_lr(
        self,
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        auto_scale_lr: dict | None = None,
    ) -> None:
        """Scale the learning rate by the images that a step of the optimizer sees.

        MMEngine counts the batch of all processes, but not
        ``optim_wrapper.accumulative_counts`` such batches.

        Args:
            optim_wrapper (OptimWrapper): The optimizer.
            auto_scale_lr (dict, optional): ``enable`` and ``base_batch_size``, the
                batch that the config's learning rate is for. Defaults to None: the
                learning rate stays.
        """
        if not (auto_scale_lr and auto_scale_lr.get('enable')):
            return
        several = isinstance(optim_wrapper, OptimWrapperDict)
        for one in optim_wrapper.values() if several else [optim_wrapper]:
            scale, counts = dict(auto_scale_lr), one._accumulative_counts
            if counts > 1 and 'base_batch_size' in scale:
                scale['base_batch_size'] /= counts
                self.logger.info(
                    f'gradients of {counts} batches are accumulated, so for the '
                    f'learning rate a batch counts {counts} times, as if '
                    f'auto_scale_lr.base_batch_size were {scale["base_batch_size"]:g} '
                    f'instead of {auto_scale_lr["base_batch_size"]}'
                )
            super().scale_lr(one, scale)
