"""Batches of labelled images, with other images added to each."""

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, Sampler

from mmreviewkd.errors import UsageError

from .unlabeled import WithUnlabeled


@DATA_SAMPLERS.register_module()
class LabeledSampler(Sampler):
    """Samples the labelled part of :class:`WithUnlabeled` as its own sampler does.

    An epoch is one pass over the labelled images, in the order that it has without the
    other images.

    Args:
        dataset (WithUnlabeled): The data set.
        sampler (dict): Config of the labelled images' sampler.
        seed (int, optional): Random seed, the same in all processes. Defaults to None:
            one is drawn.
    """

    def __init__(
        self, dataset: WithUnlabeled, sampler: dict, seed: int | None = None
    ) -> None:
        if not isinstance(dataset, WithUnlabeled):
            raise UsageError(
                'LabeledSampler needs train_dataloader.dataset.type='
                f"'WithUnlabeled', but the data set is a {type(dataset).__name__}"
            )
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.sampler = DATA_SAMPLERS.build(
            sampler, default_args=dict(dataset=dataset.datasets[0], seed=seed)
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self.sampler)

    def __len__(self) -> int:
        return len(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch, on which the order depends."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)


@DATA_SAMPLERS.register_module()
class MixedBatchSampler(Sampler):
    """Adds as many other images to each batch of labelled ones.

    The other images are taken in random order, each once before any comes again, over
    all epochs and processes. Which they are depends on seed and epoch alone, so that a
    resumed run has the same batches.

    Args:
        sampler (LabeledSampler): The sampler of the labelled images.
        batch_size (int): Labelled images to a batch.
        others (int): Other images to a batch.
        batch_sampler (dict, optional): Config of the labelled images' batch sampler,
            such as MMDetection's ``AspectRatioBatchSampler``. Defaults to None: one
            batch after the other.
        drop_last (bool): Whether a last batch with fewer labelled images is left out.
            Defaults to False.

    Raises:
        UsageError: If there are no other images.
    """

    def __init__(
        self,
        sampler: LabeledSampler,
        batch_size: int,
        others: int,
        batch_sampler: dict | None = None,
        drop_last: bool = False,
    ) -> None:
        self.sampler = sampler
        self.batch_size = batch_size
        self.others = others
        args: dict[str, Any] = dict(sampler=sampler.sampler, batch_size=batch_size)
        self.labeled: Any = (
            DATA_SAMPLERS.build(batch_sampler, default_args=args)
            if batch_sampler
            else BatchSampler(**args, drop_last=drop_last)
        )
        self._first = len(sampler.dataset.datasets[0])
        self._number = len(sampler.dataset) - self._first
        if not self._number:
            raise UsageError(
                'train_dataloader.dataset has no images beside the labelled'
            )

    def __iter__(self) -> Iterator[list[int]]:
        rank, world_size = get_dist_info()
        # Where the epochs before this one have ended.
        start = self.sampler.epoch * len(self) * self.others * world_size
        others = itertools.islice(self._endless(start), rank, None, world_size)
        for batch in self.labeled:
            yield [*batch, *itertools.islice(others, self.others)]

    def __len__(self) -> int:
        return len(self.labeled)

    def _endless(self, position: int) -> Iterator[int]:
        """Pass after pass over the other images, from a position on."""
        turn, passed = divmod(position, self._number)
        while True:
            generator = torch.Generator().manual_seed(self.sampler.seed + turn)
            order = torch.randperm(self._number, generator=generator) + self._first
            yield from order[passed:].tolist()
            turn, passed = turn + 1, 0
