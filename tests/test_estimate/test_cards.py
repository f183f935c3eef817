import pytest

from mmreviewkd.errors import UsageError
from mmreviewkd.estimate import CARDS
from mmreviewkd.estimate.cards import find_card


@pytest.mark.parametrize(
    'device, name',
    [
        ('NVIDIA H100 80GB HBM3', 'H100'),
        ('NVIDIA H200', 'H200'),
        ('NVIDIA L40S', 'L40S'),
        ('NVIDIA L4', 'L4'),
        ('NVIDIA GeForce RTX 4090', 'RTX4090'),
    ],
)
def test_the_card_at_hand(device, name):
    assert find_card(None, device) is CARDS[name]


def test_a_card_that_is_not_known():
    assert find_card(None, 'x86_64') is None
    with pytest.raises(UsageError, match='card H1000: write one of H200, H100'):
        find_card('H1000', 'NVIDIA H100')
