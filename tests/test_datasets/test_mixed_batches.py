import itertools
from collections import Counter

import pytest
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler

from mmreviewkd.datasets import (
    LabeledSampler,
    MixedBatchSampler,
    WithUnlabeled,
    mixed_batches,
)
from mmreviewkd.errors import UsageError

LABELED = 10
OTHERS = 7


class Numbers(list):
    metainfo = dict(classes=('a',))

    def full_init(self):
        pass

    def get_data_info(self, index):
        return dict(width=1 + index % 2, height=1.5)


def sampler(number=OTHERS, **kwargs):
    dataset = WithUnlabeled([Numbers(range(LABELED)), Numbers(range(number))])
    labeled = LabeledSampler(dataset, dict(type='DefaultSampler', shuffle=True), seed=3)
    return MixedBatchSampler(labeled, **dict(dict(batch_size=4, others=2), **kwargs))


def epochs(batches, count):
    for epoch in range(count):
        batches.sampler.set_epoch(epoch)
        yield list(batches)


def test_labelled_images_are_those_of_a_run_without_others():
    alone = DefaultSampler(Numbers(range(LABELED)), seed=3)
    for epoch, batches in enumerate(epochs(sampler(), 3)):
        alone.set_epoch(epoch)
        expected = list(BatchSampler(alone, 4, drop_last=False))
        assert [batch[:-2] for batch in batches] == expected
        assert all(min(batch[-2:]) >= LABELED for batch in batches)


def test_each_other_image_comes_before_any_comes_again():
    batches = list(itertools.chain(*epochs(sampler(), 7)))
    # 7 epochs of 3 batches with 2 each: 6 passes over 7 images.
    others = [index for batch in batches for index in batch[-2:]]
    for turn in range(6):
        part = others[turn * OTHERS : (turn + 1) * OTHERS]
        assert sorted(part) == list(range(LABELED, LABELED + OTHERS))
    assert others[:OTHERS] != others[OTHERS : 2 * OTHERS]


def test_an_epoch_is_the_same_whatever_was_before():
    resumed = sampler()
    resumed.sampler.set_epoch(4)
    assert list(resumed) == list(epochs(sampler(), 5))[4]


def test_processes_share_the_images(monkeypatch):
    seen = Counter()
    for rank in range(2):
        monkeypatch.setattr(mixed_batches, 'get_dist_info', lambda rank=rank: (rank, 2))
        batches = sampler(number=12)
        seen.update(index for batch in batches for index in batch[-2:])
    # Each process has 3 batches here, as its labelled sampler knows of one process.
    assert seen == Counter(range(LABELED, LABELED + 12))


def test_drop_last_and_length():
    assert len(sampler()) == len(list(sampler())) == 3
    assert len(sampler(drop_last=True)) == len(list(sampler(drop_last=True))) == 2


def test_another_batch_sampler_groups_the_labelled():
    batches = sampler(batch_sampler=dict(type='mmdet.AspectRatioBatchSampler'))
    for batch in list(batches)[:2]:
        assert len({index % 2 for index in batch[:-2]}) == 1
    assert sorted(index for batch in batches for index in batch[:-2]) == [*range(10)]


def test_fewer_images_than_a_batch_takes():
    batches = sampler(number=1, others=3)
    assert [batch[-3:] for batch in batches] == [[LABELED] * 3] * 3


def test_what_is_missing():
    with pytest.raises(UsageError, match='no images beside the labelled'):
        sampler(number=0)
    with pytest.raises(UsageError, match="dataset.type='WithUnlabeled'"):
        LabeledSampler(Numbers(range(3)), dict(type='DefaultSampler'))
