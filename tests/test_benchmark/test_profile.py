import pytest
import torch

from mmreviewkd.benchmark import operator_table
from mmreviewkd.benchmark.profile import launches_and_busy, profile

CPU = torch.device('cpu')


def test_peak_is_the_highest_memory_held():
    def run():
        first = torch.zeros(256, 1024)  # 1 MiB
        second = first + 1
        del first, second
        return torch.zeros(128, 1024)

    assert profile(run, CPU).peak_mib == pytest.approx(2.0, abs=0.01)


def test_operators_are_those_that_ran_the_longest_first():
    large, small = torch.rand(512, 512), torch.rand(4)

    def run():
        for _ in range(3):
            large @ large
        small.sin()

    seen = profile(run, CPU)
    operators = seen.operators
    assert (seen.launches, seen.busy) == (0, 0.0)
    calls = {one['name']: one['calls'] for one in operators}
    assert calls['aten::mm'] == 3 and calls['aten::sin'] == 1
    assert operators[0]['name'] == 'aten::mm'
    seconds = [one['seconds'] for one in operators]
    assert seconds == sorted(seconds, reverse=True)


def test_a_gpu_is_busy_once_with_what_runs_at_once():
    def event(cat, ts, dur):
        return dict(cat=cat, ts=ts, dur=dur)

    events = [
        event('kernel', 10.0, 4.0),
        event('kernel', 12.0, 1.0),  # within the first
        event('gpu_memcpy', 13.0, 3.0),  # a microsecond of it beside the first
        event('gpu_memset', 20.0, 2.0),
        event('cpu_op', 0.0, 100.0),
        dict(name='[memory]', ts=5.0),
    ]
    launches, busy = launches_and_busy(events)
    assert launches == 4
    assert busy == pytest.approx(8e-6)


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
