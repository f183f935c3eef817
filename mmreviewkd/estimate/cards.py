"""The rates of cards, as their makers publish them, and those of this machine."""

import os
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from mmreviewkd.errors import UsageError

HERE = 'cpu'
"""Name that asks for the rates of this machine."""


@dataclass(frozen=True)
class Card:
    """The rates of a device.

    Args:
        name (str): Its name.
        tflops (dict[torch.dtype, float]): Dense tensor products, 10^12 floating-point
            operations a second, by type; float32 is TF32 where the card has it.
        bandwidth (float): Of its memory, 10^9 bytes a second.
        memory (float): 10^9 bytes.
        link (float): Between cards of one machine, 10^9 bytes a second and direction.
        launch (float): Seconds from one operator to the next when they have little to
            do, which is Python's and PyTorch's time, not the card's.
        efficiency (tuple[float, float]): The parts of ``tflops`` and ``bandwidth`` that
            training reaches.
    """

    name: str
    tflops: dict[torch.dtype, float]
    bandwidth: float
    memory: float
    link: float
    launch: float = 20e-6
    efficiency: tuple[float, float] = (0.45, 0.7)

    def rate(self, dtype: torch.dtype) -> float:
        """Floating-point operations a second that training reaches with a type."""
        per_second = self.tflops.get(dtype, self.tflops[torch.float32])
        return 1e12 * per_second * self.efficiency[0]


def _card(
    name: str,
    half: float,
    single: float,
    bandwidth: float,
    memory: float,
    link: float,
    bfloat16: bool = True,
) -> Card:
    rates = {torch.float16: half, torch.float32: single}
    if bfloat16:
        rates[torch.bfloat16] = half
    return Card(name, rates, bandwidth, memory, link)


CARDS = {
    card.name: card
    for card in (
        #     name       half  single   GB/s    GB  link
        _card('H200', 989.0, 494.0, 4800.0, 141.0, 450.0),
        _card('H100', 989.0, 494.0, 3350.0, 80.0, 450.0),
        _card('A100', 312.0, 156.0, 2039.0, 80.0, 300.0),
        _card('L40S', 362.0, 183.0, 864.0, 48.0, 32.0),
        _card('L4', 121.0, 60.0, 300.0, 24.0, 32.0),
        _card('RTX4090', 165.0, 82.6, 1008.0, 24.0, 32.0),
        _card('RTX3090', 71.0, 35.6, 936.0, 24.0, 32.0),
        _card('V100', 125.0, 15.7, 900.0, 32.0, 150.0, bfloat16=False),
        _card('T4', 65.0, 8.1, 320.0, 16.0, 16.0, bfloat16=False),
    )
}
"""Of the makers' data sheets, dense, without sparsity."""


def find_card(name: str | None, device: str = '') -> Card | None:
    """Find the rates of a card.

    Args:
        name (str, optional): A key of :data:`CARDS`, or ``'cpu'`` for this machine.
        device (str): As PyTorch calls the GPU at hand; its rates are taken where no
            name is given. Defaults to ''.

    Returns:
        Card | None: None where no name is given, and the device is not known.

    Raises:
        UsageError: If there is no card of this name.
    """
    if name is None:
        words = device.split()
        # 'NVIDIA GeForce RTX 4090' is the card RTX4090.
        words += [a + b for a, b in zip(words, words[1:], strict=False)]
        return next((card for key, card in CARDS.items() if key in words), None)
    if name == HERE:
        return this_machine()
    if name not in CARDS:
        raise UsageError(f'card {name}: write one of {", ".join(CARDS)}, {HERE}')
    return CARDS[name]


def this_machine() -> Card:
    """Measure the rates of this machine's CPU."""
    rates = {
        dtype: _convolutions(dtype) / 1e12 for dtype in (torch.float32, torch.bfloat16)
    }
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9
    # What has been measured is reached.
    return Card('CPU', rates, _copies() / 1e9, memory, 1.0, _launches(), (1.0, 1.0))


def _convolutions(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a convolution as detectors have them."""
    images = torch.randn(1, 128, 100, 168, dtype=dtype)
    weight = torch.randn(128, 128, 3, 3, dtype=dtype)
    seconds = _time(lambda: F.conv2d(images, weight, padding=1))
    return 2 * weight.numel() * images[0, 0].numel() / seconds


def _copies() -> float:
    """Bytes a second of an addition of large tensors."""
    values = torch.zeros(2**24)
    return 2 * values.nbytes / _time(lambda: values.add_(1.0))


def _launches() -> float:
    """Seconds of an operator that has nothing to do."""
    one = torch.zeros(1)
    return _time(lambda: [one + one for _ in range(1000)]) / 1000


def _time(run: object) -> float:
    """The shortest of some times, in seconds."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        run()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)
