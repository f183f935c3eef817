"""From the work of a step to seconds, hours, memory and bytes exchanged."""

import math
from dataclasses import dataclass

from .cards import Card
from .counts import Counts

# Of PyTorch's allocator, the libraries' workspaces and the context of the device.
OVERHEAD = 1.5e9
# Weight, gradient and momentum, four bytes each.
TRAINED_BYTES = 12


@dataclass(frozen=True)
class Estimate:
    """What a training takes.

    Attributes:
        step (float): Seconds of a step.
        limit (str): What takes the time: ``'arithmetic and memory'``, ``'launching
            operators'`` or ``'exchanging gradients'``.
        images_per_second (float): Of all cards.
        hours (float): Of the whole training, without evaluations and reading images.
        memory (float): Highest memory of a card, in bytes.
        exchanged (float): Bytes that each card sends in a step.
    """

    step: float
    limit: str
    images_per_second: float
    hours: float
    memory: float
    exchanged: float


def seconds(counts: Counts, card: Card, images: int = 1) -> float:
    """The time in which a card does the work of a step with one image, times images.

    An operator takes the time of its arithmetic or of its memory, whichever is longer.
    """
    bandwidth = 1e9 * card.bandwidth * card.efficiency[1]
    return images * sum(
        max(work.flops / card.rate(work.dtype), work.nbytes / bandwidth)
        for work in counts.works
    )


def estimate(
    counts: Counts,
    card: Card,
    gpus: int,
    batch_size: int,
    images: int,
    epochs: int,
    trained: int,
    fixed: int,
) -> Estimate:
    """Estimate a training.

    Args:
        counts (Counts): A step with one image.
        card (Card): The kind of card.
        gpus (int): Number of cards, all in one machine.
        batch_size (int): Images of a card in a step.
        images (int): Images in an epoch.
        epochs (int): Number of epochs.
        trained (int): Number of parameters that are trained.
        fixed (int): Bytes of the weights that are not, the teacher's above all.
    """
    # A ring sends and receives everything twice, but for the own part.
    exchanged = 4 * trained * 2 * (gpus - 1) / gpus
    times = {
        'arithmetic and memory': seconds(counts, card, batch_size),
        'launching operators': len(counts.works) * card.launch,
        # Beside the backward pass, so the longest of the three is what is seen.
        'exchanging gradients': exchanged / (1e9 * card.link),
    }
    limit = max(times, key=lambda name: times[name])
    steps = epochs * math.ceil(images / (batch_size * gpus))
    return Estimate(
        step=times[limit],
        limit=limit,
        images_per_second=batch_size * gpus / times[limit],
        hours=steps * times[limit] / 3600,
        memory=TRAINED_BYTES * trained + fixed + batch_size * counts.saved + OVERHEAD,
        exchanged=exchanged,
    )
