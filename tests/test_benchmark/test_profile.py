import pytest
import torch

from mmreviewkd.benchmark import operator_table
from mmreviewkd.benchmark.profile import profile

CPU = torch.device('cpu')


def test_peak_is_the_highest_memory_held():
    def run():
        first = torch.zeros(256, 1024)  # 1 MiB
        second = first + 1
        del first, second
        return torch.zeros(128, 1024)

    peak, _ = profile(run, CPU)
    assert peak == pytest.approx(2.0, abs=0.01)


def test_operators_are_those_that_ran_the_longest_first():
    large, small = torch.rand(512, 512), torch.rand(4)

    def run():
        for _ in range(3):
            large @ large
        small.sin()

    _, operators = profile(run, CPU)
    calls = {one['name']: one['calls'] for one in operators}
    assert calls['aten::mm'] == 3 and calls['aten::sin'] == 1
    assert operators[0]['name'] == 'aten::mm'
    seconds = [one['seconds'] for one in operators]
    assert seconds == sorted(seconds, reverse=True)


def test_table():
    def of(**seconds):
        return [dict(name=n, calls=1, seconds=s) for n, s in seconds.items()]

    lines = operator_table(
        {'step': of(conv=3.0, relu=0.25, add=0.5), 'teacher': of(conv=1.0, mul=2.0)},
        rows=2,
    ).splitlines()
    assert lines == [
        '| operator | step | teacher |',
        '|---|---:|---:|',
        '| `conv` | 3.00 | 1.00 |',
        '| `mul` | 0.00 | 2.00 |',
        '| all others | 0.75 | 0.00 |',
        '| total | 3.75 | 3.00 |',
    ]
