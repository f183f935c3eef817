"""What a training will take on other hardware, from counted work."""

from .cards import CARDS, Card, this_machine
from .counts import Counts, count
from .estimate import Estimate, estimate

__all__ = [
    'CARDS',
    'Card',
    'Counts',
    'Estimate',
    'count',
    'estimate',
    'this_machine',
]
