"""The memory and the operators of a piece of work."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity

_ON_GPU = ('kernel', 'gpu_memcpy', 'gpu_memset')


@dataclass(frozen=True)
class Profile:
    """What was seen of a piece of work.

    Attributes:
        peak_mib (float): The highest memory of tensors while it ran, beyond that
            before, in MiB.
        operators (list[dict]): ``name``, ``calls`` and ``seconds`` (without those of
            other operators that it calls) of each operator, the longest first.
        launches (int): Kernels and copies that a GPU was given; 0 on a CPU.
        busy (float): Seconds in which a GPU did at least one of them; 0 on a CPU.
    """

    peak_mib: float
    operators: list[dict]
    launches: int = 0
    busy: float = 0.0


def profile(run: Callable[[], Any], device: torch.device) -> Profile:
    """Run something once, slower than usual, and watch it.

    Args:
        run (Callable): What to run.
        device (torch.device): Where it runs.
    """
    cuda = device.type == 'cuda'
    if cuda:
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda
    with torch.profiler.profile(
        activities=activities, profile_memory=not cuda
    ) as watched:
        run()
        if cuda:
            torch.cuda.synchronize(device)
    if cuda:
        peak = torch.cuda.max_memory_allocated(device) - before
    events = _trace(watched)
    operators = [
        dict(
            name=one.key,
            calls=one.count,
            seconds=1e-6
            * (one.self_device_time_total if cuda else one.self_cpu_time_total),
        )
        for one in watched.key_averages()
    ]
    return Profile(
        (peak if cuda else _peak_on_cpu(events)) / 2**20,
        sorted(operators, key=lambda one: -one['seconds']),
        *launches_and_busy(events),
    )


def launches_and_busy(events: list[dict]) -> tuple[int, float]:
    """Count a trace's kernels and copies, and the seconds that a GPU is busy with them.

    Args:
        events (list[dict]): Those of a trace in Chrome's format, times in microseconds.

    Returns:
        tuple[int, float]: Where several run at once, their time counts once.
    """
    spans = sorted(
        (event['ts'], event['ts'] + event['dur'])
        for event in events
        if event.get('cat') in _ON_GPU
    )
    busy, end = 0.0, float('-inf')
    for first, last in spans:
        busy += max(0.0, last - max(first, end))
        end = max(end, last)
    return len(spans), 1e-6 * busy


def operator_table(operators: dict[str, list[dict]], rows: int = 12) -> str:
    """Write operators side by side as Markdown.

    Args:
        operators (dict[str, list[dict]]): For each piece of work, what
            :func:`profile` gives.
        rows (int): How many to list, those that take longest in any of them; the
            rest is summed. Defaults to 12.
    """
    seconds = {
        what: {one['name']: one['seconds'] for one in found}
        for what, found in operators.items()
    }
    names = {name for found in seconds.values() for name in found}
    longest = sorted(
        names, key=lambda name: -max(f.get(name, 0.0) for f in seconds.values())
    )[:rows]
    lines = ['| operator | ' + ' | '.join(seconds) + ' |']
    lines.append('|---|' + '---:|' * len(seconds))
    for name in longest:
        cells = [f'{found.get(name, 0.0):.2f}' for found in seconds.values()]
        lines.append(f'| `{name}` | ' + ' | '.join(cells) + ' |')
    rest = [
        sum(value for name, value in found.items() if name not in longest)
        for found in seconds.values()
    ]
    total = [sum(found.values()) for found in seconds.values()]
    for name, values in (('all others', rest), ('total', total)):
        lines.append(f'| {name} | ' + ' | '.join(f'{v:.2f}' for v in values) + ' |')
    return '\n'.join(lines)


def _trace(watched: torch.profiler.profile) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'trace.json'
        watched.export_chrome_trace(str(path))
        return json.loads(path.read_text())['traceEvents']


def _peak_on_cpu(events: list[dict]) -> int:
    held = peak = 0
    for event in sorted(
        (e for e in events if e.get('name') == '[memory]'), key=lambda e: e['ts']
    ):
        held += event['args']['Bytes']
        peak = max(peak, held)
    return peak
