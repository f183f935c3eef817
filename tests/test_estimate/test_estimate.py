import pytest
import torch

from mmreviewkd.estimate import CARDS, Card, Counts, estimate
from mmreviewkd.estimate.counts import Work
from mmreviewkd.estimate.estimate import OVERHEAD, seconds

# A TFLOP/s of float32, two of bfloat16, 100 GB/s; all of it is reached.
CARD = Card(
    'toy',
    {torch.float32: 1.0, torch.bfloat16: 2.0},
    bandwidth=100.0,
    memory=8.0,
    link=10.0,
    launch=1e-3,
    efficiency=(1.0, 1.0),
)
PRODUCT = Work(10**12, 10**9, torch.float32)
COPY = Work(0, 10**11, torch.float32)


def test_arithmetic_or_memory_whichever_is_longer():
    assert seconds(Counts([PRODUCT]), CARD) == 1.0
    assert seconds(Counts([COPY]), CARD) == 1.0
    assert seconds(Counts([PRODUCT, COPY]), CARD, images=3) == 6.0
    half = Work(10**12, 10**9, torch.bfloat16)
    assert seconds(Counts([half]), CARD) == 0.5


def of(counts, **changes):
    fields = dict(gpus=1, batch_size=2, images=100, epochs=3, trained=10, fixed=7)
    return estimate(counts, CARD, **(fields | changes))


def test_whole_training():
    found = of(Counts([PRODUCT], saved=5))
    assert found.step == 2.0
    assert found.limit == 'arithmetic and memory'
    assert found.images_per_second == 1.0
    assert found.hours == pytest.approx(3 * 50 * 2 / 3600)
    assert found.memory == 12 * 10 + 7 + 2 * 5 + OVERHEAD
    assert found.exchanged == 0.0


def test_many_small_operators_wait_for_python():
    found = of(Counts([Work(1, 1, torch.float32)] * 1000))
    assert found.limit == 'launching operators'
    assert found.step == pytest.approx(1.0)


def test_gradients_over_a_slow_link():
    found = of(Counts([PRODUCT]), gpus=4, trained=10**10)
    # Three quarters, there and back, four bytes each.
    assert found.exchanged == 6e10
    assert found.step == pytest.approx(6.0)
    assert found.limit == 'exchanging gradients'
    assert found.images_per_second == pytest.approx(4 * 2 / 6)


def test_a_part_of_a_batch_is_a_step():
    assert of(Counts([PRODUCT]), gpus=8, images=17).hours == pytest.approx(
        3 * 2 * 2.0 / 3600
    )


def test_cards_without_bfloat16_compute_it_as_float32():
    assert CARDS['T4'].rate(torch.bfloat16) == CARDS['T4'].rate(torch.float32)
    assert CARDS['H100'].rate(torch.bfloat16) > CARDS['H100'].rate(torch.float32)
